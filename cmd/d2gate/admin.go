package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// The admin socket speaks HTTP with JSON bodies. Whoever can open it is the
// operator, so there is no sign-in; a browser cannot reach it.

// adminError is the body of every answer that is not 2xx.
type adminError struct {
	Error string `json:"error"`
	Exit  int    `json:"exit"` // exit code of the verb that asked
}

// adminHandler answers with its first result as JSON, or with the error.
func adminHandler[T any](answer func(r *http.Request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := answer(r)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if err != nil {
			e := adminError{Error: err.Error(), Exit: exitFailed}
			if x, ok := errors.AsType[*exitError](err); ok {
				e.Exit = x.code
			}
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(e) // a verb that is gone needs no answer
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}
}

// decodeAdmin reads a request body of at most 1 MiB, strictly.
func decodeAdmin(r *http.Request, v any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("admin request: %w", err)
	}
	return nil
}

// errNoServer says that no d2gate answers on the socket.
var errNoServer = errors.New("no d2gate is running there")

// remote is a running d2gate, reached through its admin socket.
type remote struct {
	socket string
	client *http.Client
}

// reach finds a running d2gate; errNoServer if there is none.
func reach(socket string) (*remote, error) {
	conn, err := dialSocket(socket)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w (%s)", errNoServer, socket)
	}
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	_ = conn.Close() // it answers; calls open their own
	return &remote{socket, &http.Client{
		Timeout: 60 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return dialSocket(socket) },
		},
	}}, nil
}

// call sends in as JSON (nothing if nil) and reads the answer into out (nothing
// if nil). An error of the server keeps its exit code.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://d2gate"+path, body)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	if resp.StatusCode/100 != 2 {
		var e adminError
		if err := d.Decode(&e); err != nil || e.Error == "" {
			return fmt.Errorf("admin socket: status %d", resp.StatusCode)
		}
		return &exitError{e.Exit, errors.New(e.Error)}
	}
	if out == nil {
		return nil
	}
	return d.Decode(out)
}
