package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/store"
)

// server is one d2gate from its start to its end.
type server struct {
	*program
	cfg       *config.Config
	log       *slog.Logger
	demo      bool
	listeners listeners // opened before; zero ones are opened by run
	sandbox   *behind   // demo mode: the DHIS2 behind the gateway
	ready     func(ctx context.Context, g *gateway) error
}

// listeners are where a d2gate can be reached.
type listeners struct {
	door    *door        // the gateway's TCP listener
	gateway net.Listener // the same behind the rules of who may connect
	admin   *door
	socket  net.Listener
}

// behind is a sandbox in the same process.
type behind struct {
	service  service
	sessions func() int64 // opened since its start
}

// run is the life of a server. It returns when ctx has ended and the requests
// under way are done, or when it cannot start.
func (s *server) run(ctx context.Context) (err error) {
	// 1. What is not safe is not started.
	if err := refuseUnsafe(s.cfg); err != nil {
		return err
	}

	// 2. The places where we can be reached, so that a taken port is known at once.
	if err := s.listen(); err != nil {
		return err
	}
	defer s.listeners.close()

	// 3. The store, which one process owns.
	st, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, st.Close)

	// 4. The audit log, without which nothing is forwarded, and the numbers.
	m, reg, err := s.openMetrics()
	if err != nil {
		return err
	}
	refusals := newRefusals()
	log, err := openAudit(s.cfg, st, s.log, m)
	if err != nil {
		return err
	}
	defer closing(&err, log.Close)

	// 5. The gateway: who calls, may they, on to DHIS2.
	g, err := openGateway(gatewayParts{config: s.cfg, log: s.log, store: st, audit: log, metrics: m, refusals: refusals, now: time.Now})
	if err != nil {
		return err
	}
	if err := g.register(reg, s.sandbox); err != nil {
		return err
	}

	// 6. What goes on beside the requests; it ends before the store and the log do.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	for _, work := range []func(context.Context){g.verifier.Run, g.followChanges, g.expire, func(ctx context.Context) { g.oauth2.run(ctx, g) }, func(ctx context.Context) { s.watch(ctx, g) }} {
		beside.Go(func() { work(background) })
	}

	// 7. Open the doors, say so, and stay until told to stop.
	services, err := s.services(g, reg)
	if err != nil {
		return err
	}
	return s.stay(ctx, g, services)
}

// stay serves until ctx ends.
func (s *server) stay(ctx context.Context, g *gateway, services []service) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- serveAll(serving, services, s.cfg.Server.ShutdownGrace, func() {
			g.draining.Store(true)
			s.notifySystemd("STOPPING=1")
			s.log.Info("stopping: requests under way are finished", "grace", s.cfg.Server.ShutdownGrace)
		})
	}()
	err := s.announce(ctx, g)
	if err != nil {
		stop()
	}
	return errors.Join(err, <-ended)
}

// announce says that the server is ready, and what it does not do.
func (s *server) announce(ctx context.Context, g *gateway) error {
	for _, w := range warnings(s.cfg) {
		s.log.Warn(w)
	}
	if s.ready != nil {
		if err := s.ready(ctx, g); err != nil {
			return err
		}
	}
	s.log.Info("ready", "listen", s.listeners.gateway.Addr().String(), "admin", s.listeners.admin.Addr().String(),
		"public_url", s.cfg.Server.PublicURL.String(), "upstream", s.cfg.Upstream.URL.Redacted(), "config", s.cfg.File, "hash", short(s.cfg.Hash))
	s.notifySystemd("READY=1")
	return nil
}

// openStore opens the store. Data that demo mode made is for this machine only.
func (s *server) openStore(ctx context.Context) (*store.Store, error) {
	driver, location, err := s.cfg.Store.URL.Resolve()
	if err != nil {
		return nil, &exitError{exitConfig, fmt.Errorf("store.url: %w", err)}
	}
	st, err := store.Open(ctx, driver, location)
	if err != nil {
		return nil, err
	}
	if s.demo {
		err = st.MarkDemo(ctx)
	} else if !loopback(s.cfg.Server.Listen) {
		err = refuseDemo(ctx, st, location)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// closing runs what a server owes at its end and keeps its error.
func closing(err *error, f func() error) {
	if e := f(); e != nil {
		*err = errors.Join(*err, e)
	}
}

func short(hash string) string { return hash[:min(12, len(hash))] }
