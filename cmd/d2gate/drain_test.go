package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStoppingUnderLoadDropsNoRequest(t *testing.T) {
	l, err := listen("127.0.0.1:0", "")
	require.NoError(t, err)
	d := &drain{door: l}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "done") // the client counts
	})
	server := newServer(serverConfig{handler: d.wrap(handler), log: quiet()})
	server.ConnState = d.track
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveAll(ctx, []service{{"gateway", []net.Listener{l}, server, d}}, 10*time.Second, func() {})
	}()

	var answered, broken atomic.Int64
	enough := make(chan struct{})
	var once sync.Once
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				resp, err := client.Post("http://"+l.Addr().String(), "text/plain", nil) // POST: net/http does not try again
				if err != nil {
					if op := (&net.OpError{}); !asOpError(err, &op) || op.Op != "dial" {
						broken.Add(1)
						t.Log(err)
					}
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if answered.Add(1) > 500 {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	stop()
	load.Wait()
	require.NoError(t, <-ended)
	require.Zero(t, broken.Load())
}

func TestARequestUnderWayIsFinished(t *testing.T) {
	l, err := listen("127.0.0.1:0", "")
	require.NoError(t, err)
	begun, goOn := make(chan struct{}), make(chan struct{})
	d := &drain{door: l}
	server := newServer(serverConfig{log: quiet(), handler: d.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "whole") // the client counts
	}))})
	server.ConnState = d.track
	ctx, stop := context.WithCancel(t.Context())
	stopping := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- serveAll(ctx, []service{{"gateway", []net.Listener{l}, server, d}}, 10*time.Second, func() { close(stopping) })
	}()
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		body, _ := io.ReadAll(resp.Body)
		got <- string(body)
	}()
	<-begun
	stop()
	<-stopping
	close(goOn)
	require.Equal(t, "whole", <-got)
	require.NoError(t, <-ended)
}

func TestRequestsBeyondTheGraceAreCutOffAndToldOf(t *testing.T) {
	l, err := listen("127.0.0.1:0", "")
	require.NoError(t, err)
	begun := make(chan struct{})
	server := newServer(serverConfig{log: quiet(), handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveAll(ctx, []service{{"gateway", []net.Listener{l}, server, nil}}, 20*time.Millisecond, func() {})
	}()
	go func() { _, _ = http.Get("http://" + l.Addr().String()) }() // it is cut off
	<-begun
	stop()
	require.ErrorContains(t, <-ended, "still under way after 20ms")
}
