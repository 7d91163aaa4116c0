package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// service is one server and its listeners. TLS is done by the listeners.
type service struct {
	name      string
	listeners []net.Listener
	server    *http.Server
	drain     *drain // nil: connections are closed when they are idle
}

// serverConfig bounds what a client may hold (security.md B15).
type serverConfig struct {
	handler       http.Handler
	header        int           // bytes of request line and header that are read; 0 means 1 MiB
	headerTimeout time.Duration // 0 means 10 s
	idleTimeout   time.Duration // 0 means 75 s
	tls           *tls.Config   // what its listeners speak; nil means plain HTTP
	log           *slog.Logger
}

// newServer makes a server with limits. Bodies have no time limit of their own:
// a route's timeout bounds those of requests, and the gateway ends an answer whose
// reader has stopped.
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
		Handler: c.handler,
		// OPTIONS * belongs to the handler too: nothing is answered unrecorded.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            c.headerTimeout,
		IdleTimeout:                  c.idleTimeout,
		MaxHeaderBytes:               c.header,
		TLSConfig:                    c.tls,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReadFrameSize: 1 << 20},
		ErrorLog:                     slog.NewLogLogger(c.log.Handler(), slog.LevelDebug), // handshakes and broken clients
	}
}

// serveAll runs all services until ctx ends or one of them fails, then lets the
// requests under way finish, at most for grace. stopping is called first.
func serveAll(ctx context.Context, services []service, grace time.Duration, stopping func()) error {
	group, running := errgroup.WithContext(ctx)
	for _, s := range services {
		for _, l := range s.listeners {
			group.Go(func() error { return s.serve(l) })
		}
	}
	group.Go(func() error {
		<-running.Done()
		stopping()
		return stopAll(services, grace)
	})
	return group.Wait()
}

func (s service) serve(l net.Listener) error {
	err := s.server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) || s.drain != nil && s.drain.door.closing.Load() {
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
			s.drain.run(ctx)
		}
		if err := s.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: requests were still under way after %s: %w", s.name, grace, err))
			_ = s.server.Close() // their time is over
		}
	}
	return errors.Join(errs...)
}
