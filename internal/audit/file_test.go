package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/d2gate/d2gate/internal/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, cfg audit.FileConfig) *audit.File {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "audit.jsonl")
	}
	f, err := audit.OpenFile(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func lines(t testing.TB, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

func TestRecordReturnsWhenTheLineIsWritten(t *testing.T) {
	f := open(t, audit.FileConfig{})
	for n := 1; n <= 3; n++ {
		require.NoError(t, f.Record(t.Context(), event()))
		require.Len(t, lines(t, f.Path()), n)
	}
	info, err := os.Stat(f.Path())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestManyWritersLoseNoLine(t *testing.T) {
	f := open(t, audit.FileConfig{Rotate: 20_000, Chain: true, Now: ticking()})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				if i%2 == 0 {
					require.NoError(t, f.Record(t.Context(), event()))
					continue
				}
				slot, err := f.Reserve()
				require.NoError(t, err)
				slot.Commit(event())
			}
		})
	}
	wg.Wait()
	require.NoError(t, f.Close())
	all, err := audit.Search(f.Path(), 0, nil, func(*audit.Entry) bool { return true })
	require.NoError(t, err)
	require.Equal(t, 1600, len(all))
	v, err := audit.Verify(f.Path())
	require.NoError(t, err)
	require.Equal(t, 1600, v.Chained)
}

// ticking is a clock that never stands still, so that every rotated file has a name.
func ticking() func() time.Time {
	var mu sync.Mutex
	now := noon
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func TestReserveFailsAtOnceWhenThereIsNoPlace(t *testing.T) {
	f := open(t, audit.FileConfig{Places: 2})
	one, err := f.Reserve()
	require.NoError(t, err)
	two, err := f.Reserve()
	require.NoError(t, err)
	_, err = f.Reserve()
	require.ErrorIs(t, err, audit.ErrFull)
	require.ErrorIs(t, f.Record(t.Context(), event()), audit.ErrFull)
	one.Commit(event())
	two.Commit(event())
	require.Eventually(t, func() bool {
		slot, err := f.Reserve()
		if err == nil {
			slot.Commit(event())
		}
		return err == nil
	}, time.Minute, time.Millisecond)
}

func TestASinkThatCannotWriteRefusesFromTheStart(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	f := open(t, audit.FileConfig{Path: "/dev/full", Retry: time.Millisecond})
	_, err := f.Reserve()
	require.ErrorIs(t, err, audit.ErrFailing)
	require.Error(t, f.Record(t.Context(), event()))
	require.Error(t, f.Failing())
	require.Error(t, f.Close())
}

func TestAFailingSinkRecoversAndKeepsWhatWasPromised(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	path := filepath.Join(dir, "audit.jsonl")
	heard := make(chan error, 16)
	clock := ticking()
	now := func() time.Time { return clock().Add(time.Hour) } // look for the file every time
	f := open(t, audit.FileConfig{Path: path, Retry: time.Millisecond, Now: hourly(now), Trouble: func(err error) { heard <- err }})
	slot, err := f.Reserve()
	require.NoError(t, err)

	require.NoError(t, os.RemoveAll(dir)) // somebody removes the log, and its folder
	require.Error(t, f.Record(t.Context(), event()))
	require.Error(t, <-heard)
	slot.Commit(event())
	_, err = f.Reserve()
	require.ErrorIs(t, err, audit.ErrFailing)

	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, <-heard)
	require.Len(t, lines(t, path), 1)
	require.NoError(t, f.Record(t.Context(), event()))
	require.Len(t, lines(t, path), 2)
}

// hourly makes every look at the clock an hour later than the one before.
func hourly(now func() time.Time) func() time.Time {
	var mu sync.Mutex
	n := 0
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		n++
		return now().Add(time.Duration(n) * time.Hour)
	}
}

func TestATornLastLineIsCutOffAtOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := open(t, audit.FileConfig{Path: path, Chain: true})
	require.NoError(t, f.Record(t.Context(), event()))
	require.NoError(t, f.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, torn := range []string{"{", `{"time":"2026-`, string(whole[:len(whole)-1])} {
		require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole), torn...), 0o600))
		f = open(t, audit.FileConfig{Path: path, Chain: true})
		require.NoError(t, f.Record(t.Context(), event()))
		require.NoError(t, f.Close())
		require.Len(t, lines(t, path), 2)
		v, err := audit.Verify(path)
		require.NoError(t, err)
		require.Equal(t, 2, v.Chained)
	}
}

func TestRotationKeepsTheNewestFiles(t *testing.T) {
	f := open(t, audit.FileConfig{Rotate: 1000, Keep: 2, Now: ticking()})
	for i := range 20 {
		e := event()
		e.RequestID = fmt.Sprint("id-", i)
		require.NoError(t, f.Record(t.Context(), e))
	}
	rotated, err := audit.Rotated(f.Path())
	require.NoError(t, err)
	require.Len(t, rotated, 2)
	for _, name := range append(rotated, f.Path()) {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(1000))
	}
	_, ok, err := audit.ByRequestID(f.Path(), "id-0")
	require.NoError(t, err)
	require.False(t, ok)
	for _, n := range []int{0, 1, 4, 6} {
		last, err := audit.Tail(f.Path(), n)
		require.NoError(t, err)
		require.Len(t, last, n)
		for i := range last {
			require.Equal(t, fmt.Sprint("id-", 20-n+i), last[i].RequestID)
		}
	}
	e, ok, err := audit.ByRequestID(f.Path(), "id-17")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "constraint_method", e.Reason)
}

func TestRotatedFilesEndWithTheirTime(t *testing.T) {
	now := noon
	f := open(t, audit.FileConfig{Rotate: 100, MaxAge: 48 * time.Hour, Now: func() time.Time { return now }})
	for range 6 {
		require.NoError(t, f.Record(t.Context(), event()))
		now = now.Add(24 * time.Hour)
	}
	require.NoError(t, f.Close())
	rotated, err := audit.Rotated(f.Path())
	require.NoError(t, err)
	require.Len(t, rotated, 3) // of today, yesterday, and the day before
}

func TestVerifyFindsALineThatWasChangedRemovedOrPutIn(t *testing.T) {
	f := open(t, audit.FileConfig{Chain: true})
	for i := range 5 {
		e := event()
		e.RequestID = fmt.Sprint(i)
		require.NoError(t, f.Record(t.Context(), e))
	}
	require.NoError(t, f.Close())
	good := lines(t, f.Path())
	for name, bad := range map[string][][]byte{
		"changed": {good[0], good[1], bytes.Replace(good[2], []byte("DELETE"), []byte("GET"), 1), good[3]},
		"removed": {good[0], good[2], good[3]},
		"put in":  {good[0], []byte(`{"time":"2026"}`), good[1]},
		"swapped": {good[0], good[2], good[1]},
	} {
		require.NoError(t, os.WriteFile(f.Path(), append(bytes.Join(bad, []byte("\n")), '\n'), 0o600))
		_, err := audit.Verify(f.Path())
		require.ErrorIs(t, err, audit.ErrBroken, name)
	}
}

func BenchmarkReserveCommit(b *testing.B) {
	f := open(b, audit.FileConfig{Places: 1 << 20})
	e := event()
	b.ReportAllocs()
	for b.Loop() {
		slot, err := f.Reserve()
		if err != nil {
			b.Fatal(err)
		}
		slot.Commit(e)
	}
}

func BenchmarkRecord(b *testing.B) {
	f := open(b, audit.FileConfig{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		e := event()
		for pb.Next() {
			if err := f.Record(b.Context(), e); err != nil {
				b.Error(err)
			}
		}
	})
}
