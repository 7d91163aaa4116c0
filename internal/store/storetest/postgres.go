package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// startWait bounds how long a private PostgreSQL may take to start.
const startWait = 30 * time.Second

// Postgres is a private PostgreSQL server that ends with its test. It listens on a
// unix socket in a folder of its own and syncs nothing.
type Postgres struct {
	dir  string
	made atomic.Int64
}

// StartPostgres starts a server from the binaries of the system
// (/usr/lib/postgresql/*/bin, else PATH). Without them the test is skipped, unless
// REQUIRE_POSTGRES is set: then it fails.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	bin := postgresBin()
	if bin == "" {
		if os.Getenv("REQUIRE_POSTGRES") != "" {
			t.Fatal("REQUIRE_POSTGRES is set, but there is no initdb")
		}
		t.Skip("no PostgreSQL on this machine")
	}
	dir, err := os.MkdirTemp("", "d2gate-pg-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	as := unprivileged(t, dir)

	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "-N")
	initdb.SysProcAttr, initdb.Dir = as, dir
	out, err := initdb.CombinedOutput()
	require.NoError(t, err, "%s", out)

	server := exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100")
	server.SysProcAttr, server.Dir = as, dir
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // at once: nothing of it is kept
		_ = server.Wait()
	})
	p := &Postgres{dir: dir}
	p.await(t)
	return p
}

// Database makes an empty database and returns its URL.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.url("postgres"))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	name := "d2gate" + strconv.FormatInt(p.made.Add(1), 10)
	_, err = conn.Exec(t.Context(), `CREATE DATABASE `+name)
	require.NoError(t, err)
	return p.url(name)
}

func (p *Postgres) url(database string) string {
	return fmt.Sprintf("postgres://postgres@/%s?host=%s", database, url.QueryEscape(p.dir))
}

func (p *Postgres) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, p.url("postgres"))
		if err == nil {
			require.NoError(t, conn.Close(ctx))
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("PostgreSQL does not start: %v", err)
		}
	}
}

// postgresBin is the folder of initdb, of the newest version that is installed.
func postgresBin() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return major(a) - major(b) })
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

func major(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// unprivileged gives dir to the user postgres when the test runs as root, under
// which PostgreSQL refuses to run.
func unprivileged(t testing.TB, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	require.NoError(t, err)
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, uid, gid))
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}
