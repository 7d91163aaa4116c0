package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// The exit codes (design 11).
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitConfig  = 3 // configuration invalid, or rejected by reload
	exitSignIn  = 4 // not signed in
	exitRefused = 5 // explain: refused; policy test: a test got another decision
)

// program is what one run of d2gate may touch.
type program struct {
	env    func(string) (string, bool)
	stdin  io.Reader
	stdout io.Writer // data
	stderr io.Writer // talk
	// executable is how this program was called, for the commands that it suggests.
	executable string
}

// run is d2gate: it carries out args and returns the exit code. It ends early
// when ctx does; servers then finish the requests that are under way.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{env: env, stdin: stdin, stdout: stdout, stderr: stderr, executable: os.Args[0]}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return p.exit(root.ExecuteContext(ctx))
}

// exitError is an error with an exit code of its own. A nil err has been told
// already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage makes an error that exits with 2.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exit tells err and gives its exit code.
func (p *program) exit(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitFailed
	if e, ok := errors.AsType[*exitError](err); ok {
		if e.err == nil {
			return e.code
		}
		code = e.code
	} else if strings.HasPrefix(err.Error(), "unknown command ") { // cobra has no type for it
		code = exitUsage
	}
	fmt.Fprintln(p.stderr, "d2gate: "+strings.TrimSpace(err.Error()))
	return code
}

// say writes one line of talk.
func (p *program) say(format string, args ...any) {
	fmt.Fprintf(p.stderr, format+"\n", args...)
}

// colours reports whether w is a terminal that wants them (https://no-color.org).
func (p *program) colours(w io.Writer) bool {
	if v, ok := p.env("NO_COLOR"); ok && v != "" {
		return false
	}
	if v, _ := p.env("TERM"); v == "dumb" {
		return false
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// logger writes for a reader on a terminal, else JSON lines.
func (p *program) logger(level slog.Leveler) *slog.Logger {
	if f, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(tint.NewTextHandler(p.stderr, &tint.Options{Level: level, NoColor: !p.colours(p.stderr), TimeFormat: "15:04:05"}))
	}
	return slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}
