package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/d2gate/d2gate/internal/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"d2gate": main})
}

// TestScripts is the manual of every verb: one script each in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "NO_COLOR=1", "TZ=UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exitCommand, "port": portCommand, "upstream": upstreamCommand, "ready": readyCommand, "http": httpCommand, "keep": keepCommand, "signal": signalCommand, "demostore": demoStoreCommand,
		},
	})
}

// exitCommand runs a program that must end with a code: exit 3 d2gate check …
func exitCommand(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := (&exec.ExitError{})
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// portCommand finds free ports: port GATEWAY ADMIN
func portCommand(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		port, err := freePort()
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(port))
	}
}

// upstreamCommand starts a back end that knows admin/Sesame-1 at /api/me and
// echoes what reaches it everywhere else: upstream UPSTREAM
func upstreamCommand(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/me" {
			if r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:Sesame-1")) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, `{"id":"abcdefghijk","username":"admin","name":"Test Admin","authorities":["ALL"]}`)
			return
		}
		fmt.Fprintf(w, `{"path":%q,"authorization":%q}`, r.URL.Path, r.Header.Get("Authorization"))
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// demoStoreCommand makes a store as demo mode does: demostore FILE
func demoStoreCommand(ts *testscript.TestScript, _ bool, args []string) {
	st, err := store.Open(context.Background(), "sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(st.MarkDemo(context.Background()))
	ts.Check(st.Close())
}

// readyCommand waits until an address answers 200, with a token if one is given:
// ready http://127.0.0.1:9090/readyz [FILE]
func readyCommand(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		r, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		if len(args) > 1 {
			r.Header.Set("Authorization", "ApiToken "+strings.TrimSpace(ts.ReadFile(args[1])))
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		<-time.After(10 * time.Millisecond) // another process: there is nothing else to wait on
	}
	ts.Fatalf("%s is not ready", args[0])
}

// httpCommand asks and prints status, reason and body: http GET URL [token FILE | Header: value]...
func httpCommand(ts *testscript.TestScript, _ bool, args []string) {
	r, err := http.NewRequest(args[0], args[1], nil)
	ts.Check(err)
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		if rest[0] == "token" {
			r.Header.Set("Authorization", "ApiToken "+strings.TrimSpace(ts.ReadFile(rest[1])))
			rest = rest[1:]
			continue
		}
		name, value, _ := strings.Cut(rest[0], ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Setenv("REQUEST_ID", resp.Header.Get("X-Request-Id"))
	fmt.Fprintf(ts.Stdout(), "%d %s\n%s\n", resp.StatusCode, resp.Header.Get("X-Gateway-Reason"), body)
}

// keepCommand keeps the last stdout in a variable: keep UID
func keepCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// signalCommand sends a signal to what runs in the background: signal TERM
func signalCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[0]]
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(s))
	}
}
