package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// service is one listener and the server behind it.
type service struct {
	name     string
	listener net.Listener
	server   *http.Server
	drain    *drain // nil: connections are closed when they are idle
}

// serverConfig bounds what a client may hold (security.md B15).
type serverConfig struct {
	handler       http.Handler
	header        int           // bytes of request line and header that are read; 0 means 1 MiB
	headerTimeout time.Duration // 0 means 10 s
	idleTimeout   time.Duration // 0 means 75 s
	tls           *tls.Config   // nil means plain HTTP
	log           *slog.Logger
}

// newServer makes a server with limits. Bodies have no time limit of their own:
// a route's timeout bounds them.
func newServer(c serverConfig) *http.Server {
	if c.header == 0 {
		c.header = 1 << 20
	}
	if c.headerTimeout == 0 {
		c.headerTimeout = 10 * time.Second
	}
	if c.idleTimeout == 0 {
		c.idleTimeout = 75 * time.Second
	}
	return &http.Server{
		Handler:           c.handler,
		ReadHeaderTimeout: c.headerTimeout,
		IdleTimeout:       c.idleTimeout,
		MaxHeaderBytes:    c.header,
		TLSConfig:         c.tls,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReadFrameSize: 1 << 20},
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelDebug), // handshakes and broken clients
	}
}

// serveAll runs all services until ctx ends or one of them fails, then lets the
// requests under way finish, at most for grace. stopping is called first.
func serveAll(ctx context.Context, services []service, grace time.Duration, stopping func()) error {
	group, running := errgroup.WithContext(ctx)
	for _, s := range services {
		group.Go(func() error { return s.serve() })
	}
	group.Go(func() error {
		<-running.Done()
		stopping()
		return stopAll(services, grace)
	})
	return group.Wait()
}

func (s service) serve() error {
	var err error
	if s.server.TLSConfig != nil {
		err = s.server.ServeTLS(s.listener, "", "")
	} else {
		err = s.server.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// stopAll drains the services in their order, so that the admin listener and a
// sandbox, which come last, are there until the gateway is done.
func stopAll(services []service, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var errs []error
	for _, s := range services {
		if s.drain != nil {
			s.drain.wait(ctx)
		}
		if err := s.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: requests were still under way after %s: %w", s.name, grace, err))
			_ = s.server.Close() // their time is over
		}
	}
	return errors.Join(errs...)
}

// drain takes clients off their connections without breaking a request: while it
// is on, every answer says Connection: close, and new connections are still
// taken. Shutdown alone would close a connection on which the next request is
// already on its way.
type drain struct {
	on   atomic.Bool
	open atomic.Int64 // connections
}

// drainWindow is how long busy clients have to come by once more.
const drainWindow = 300 * time.Millisecond

func (d *drain) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.on.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// track is the server's ConnState hook.
func (d *drain) track(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		d.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.open.Add(-1)
	}
}

// wait returns when no connection is open, or the window or ctx is over.
func (d *drain) wait(ctx context.Context) {
	d.on.Store(true)
	over := time.NewTimer(drainWindow)
	defer over.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for d.open.Load() > 0 {
		select {
		case <-over.C:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
