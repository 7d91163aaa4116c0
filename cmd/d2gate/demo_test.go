package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// demoRun is d2gate without a verb, in a process and a folder of its own.
type demoRun struct {
	t      *testing.T
	dir    string
	base   string // URL of the gateway
	admin  string
	banner string
	cmd    *exec.Cmd
}

func runDemo(t *testing.T, dir string) *demoRun {
	t.Helper()
	program, err := exec.LookPath("d2gate")
	require.NoError(t, err)
	d := &demoRun{t: t, dir: dir, cmd: exec.Command(program, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")}
	d.cmd.Dir = dir
	talk := newWritten()
	d.cmd.Stderr = talk
	out, err := d.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, d.cmd.Start())
	t.Cleanup(d.stop)
	ready := make(chan string, 1)
	go func() {
		var text strings.Builder
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			text.WriteString(lines.Text() + "\n")
			if lines.Text() == "Ready" {
				ready <- text.String()
			}
		}
		close(ready)
	}()
	select {
	case d.banner = <-ready:
	case <-time.After(2 * time.Minute):
	}
	require.Contains(t, d.banner, "Ready", talk.String())
	d.base = regexp.MustCompile(`gateway +(http://\S+)`).FindStringSubmatch(d.banner)[1]
	d.admin = regexp.MustCompile(`health +(http://[^/]+)`).FindStringSubmatch(d.banner)[1]
	return d
}

func (d *demoRun) stop() {
	if d.cmd.ProcessState == nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = d.cmd.Wait()
	}
}

// shell runs a line in the demo's folder.
func (d *demoRun) shell(line string) (out string, code int) {
	d.t.Helper()
	c := exec.CommandContext(d.t.Context(), "sh", "-c", line)
	c.Dir = d.dir
	text, err := c.CombinedOutput()
	if err != nil {
		require.IsType(d.t, &exec.ExitError{}, err, line)
	}
	return string(text), c.ProcessState.ExitCode()
}

// get asks with a token and gives the status and the body.
func (d *demoRun) get(path, token string) (int, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.base+path, nil)
	require.NoError(d.t, err)
	r.Header.Set("Authorization", "ApiToken "+token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	return resp.StatusCode, string(body)
}

func (d *demoRun) token() string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, ".d2gate", "demo.pat"))
	require.NoError(d.t, err)
	return strings.TrimSpace(string(text))
}

func TestTheThreeCommandsOfTheBannerWorkAsPasted(t *testing.T) {
	needCurl(t)
	d := runDemo(t, t.TempDir())
	var commands []string
	for line := range strings.Lines(d.banner) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "curl ") || strings.Contains(line, "explain --last") {
			commands = append(commands, line)
		}
	}
	require.Len(t, commands, 3)
	out, code := d.shell(strings.Replace(commands[0], "curl ", "curl -s ", 1))
	require.Zero(t, code, out)
	require.Contains(t, out, `"username":"admin"`)
	out, _ = d.shell(strings.Replace(commands[1], "curl ", "curl -s ", 1))
	require.Contains(t, out, "X-Gateway-Reason: ")
	out, code = d.shell(commands[2])
	require.Equal(t, exitRefused, code, out)
	require.Contains(t, out, "← decided")
	require.Contains(t, out, "To be allowed: a route for GET /dhis-web-dashboard/")
}

func TestExplainNamesNoLineWhereThereIsNoFile(t *testing.T) {
	d := runDemo(t, t.TempDir())
	out, code := d.shell("d2gate explain --path /api/me --credential basic --user admin")
	require.Zero(t, code, out)
	require.Contains(t, out, `matches "api" → allow`)
}

func TestATokenForAUserWhoIsNotThereIsRefusedInWords(t *testing.T) {
	d := runDemo(t, t.TempDir())
	out, code := d.shell("d2gate token create --user nobody-here")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "d2gate: --user nobody-here: DHIS2 has no such account")
	require.NotContains(t, out, "d2pat_")
}

func TestEachStartOfTheDemoRevokesTheLastToken(t *testing.T) {
	dir := t.TempDir()
	d := runDemo(t, dir)
	first := d.token()
	info, err := os.Stat(filepath.Join(dir, ".d2gate", "demo.pat"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	status, _ := d.get("/api/me", first)
	require.Equal(t, http.StatusOK, status)
	d.stop()

	d = runDemo(t, dir)
	status, _ = d.get("/api/me", first)
	require.Equal(t, http.StatusUnauthorized, status)
	status, body := d.get("/api/apiToken?fields=code", d.token())
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, strings.Count(body, `"code":"demo"`), body)
}

func TestTheSandboxCountsItsSessionsInTheMetrics(t *testing.T) {
	d := runDemo(t, t.TempDir())
	token := d.token()
	opened := func() string {
		resp, err := http.Get(d.admin + "/metrics")
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return regexp.MustCompile(`(?m)^d2gate_sandbox_sessions_opened_total (\d+)$`).FindStringSubmatch(string(body))[1]
	}
	status, _ := d.get("/api/me", token)
	require.Equal(t, http.StatusOK, status)
	before := opened()
	for range 50 {
		status, _ := d.get("/api/system/info", token)
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, before, opened())
}

func TestATakenPortNamesTheFlag(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, flag := range []string{"--listen", "--admin-listen"} {
		other := map[string]string{"--listen": "--admin-listen", "--admin-listen": "--listen"}[flag]
		var talk bytes.Buffer
		code := run(t.Context(), []string{flag, l.Addr().String(), other, "127.0.0.1:0", "--data", t.TempDir()}, noEnv, strings.NewReader(""), io.Discard, &talk)
		require.Equal(t, exitFailed, code)
		require.Contains(t, talk.String(), flag)
	}
}
