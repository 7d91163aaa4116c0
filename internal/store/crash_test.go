package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

// crashRounds is how often the writer is killed.
const crashRounds = 25

// writerVariable names the database that this process shall write to until it is
// killed, when it is started by the test below.
const writerVariable = "D2GATE_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		fmt.Println(writeForEver(path, os.Stdout))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver stores and revokes tokens and says what it is about to do ("?") and
// what was acknowledged ("=").
func writeForEver(path string, out io.Writer) error {
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite", path)
	if err != nil {
		return err
	}
	start, err := s.LastChange(ctx)
	if err != nil {
		return err
	}
	for n := start + 1; ; n++ {
		r := sample()
		r.UID = fmt.Sprintf("T%010d", n)
		fmt.Fprintln(out, "?put", r.UID)
		if err := s.PutToken(ctx, r, r.UID); err != nil {
			return err
		}
		fmt.Fprintln(out, "=put", r.UID)
		if n%2 == 0 {
			continue
		}
		fmt.Fprintln(out, "?del", r.UID)
		if err := s.DeleteToken(ctx, r.UID); err != nil {
			return err
		}
		fmt.Fprintln(out, "=del", r.UID)
	}
}

func TestNothingAcknowledgedIsLostToSIGKILLAndNothingRevokedComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d2gate.db")
	want := map[string]string{} // by uid: the last line about it
	for range crashRounds {
		killedWriter(t, path, want)
		began := time.Now()
		s, err := store.Open(t.Context(), "sqlite", path)
		require.NoError(t, err)
		require.Less(t, time.Since(began), 2*time.Second)
		for uid, last := range want {
			_, err := s.TokenByHash(t.Context(), uid)
			switch last {
			case "=put":
				require.NoError(t, err, "%s was acknowledged", uid)
			case "=del":
				require.ErrorIs(t, err, pat.ErrUnknown, "%s was revoked", uid)
			default: // killed in between: either is right
				require.True(t, err == nil || errors.Is(err, pat.ErrUnknown), "%v", err)
			}
		}
		require.NoError(t, s.Close())
	}
	require.Greater(t, len(want), crashRounds)
}

func killedWriter(t *testing.T, path string, want map[string]string) {
	t.Helper()
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), writerVariable+"="+path)
	out, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())
	lines := bufio.NewScanner(out)
	for n := 1 + rand.IntN(60); lines.Scan(); n-- {
		note(want, lines.Text())
		if n == 0 {
			require.NoError(t, writer.Process.Kill())
		}
	}
	require.Error(t, writer.Wait(), "it was killed")
}

func note(want map[string]string, line string) {
	var what, uid string
	if _, err := fmt.Sscan(line, &what, &uid); err == nil && len(uid) == 11 {
		want[uid] = what
	}
}
