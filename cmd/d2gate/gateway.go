package main

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/internal/identity"
	mx "github.com/d2gate/d2gate/internal/metrics"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// gatewayParts is what a gateway is made of.
type gatewayParts struct {
	config   *config.Config
	log      *slog.Logger
	store    *store.Store
	audit    *audit.Log
	metrics  *metrics
	refusals *refusals
	now      func() time.Time
}

// gateway is everything between the listener and DHIS2, put together.
type gateway struct {
	gatewayParts
	verifier *pat.Verifier
	users    users // the identities in force
	proxy    *proxy.Gateway
	handler  http.Handler
	tokens   *tokens
	oauth2   *tokenServer
	console  *console.Console
	bearers  *bearers
	api      *pat.API
	started  time.Time
	draining atomic.Bool
	drain    drain

	reloading sync.Mutex // held by a reload; guards way and secrets
	way       *way
	secrets   [sha256.Size]byte // digest of what the secrets resolved to
	inForce   atomic.Pointer[config.Config]
	last      atomic.Pointer[reloadResult]
	confirmed atomic.Int64 // unix ms of the last reading of the change log
}

// openGateway puts the parts together. Nothing listens yet.
func openGateway(parts gatewayParts) (*gateway, error) {
	g := &gateway{gatewayParts: parts, started: parts.now()}
	g.inForce.Store(parts.config)

	var err error
	g.verifier, err = pat.NewVerifier(pat.VerifierConfig{
		Store: parts.store, Entries: parts.config.Store.CacheEntries, MaxStaleness: parts.config.Store.MaxStaleness, Now: parts.now,
	})
	if err != nil {
		return nil, err
	}
	rules, way, err := g.rules(parts.config, nil)
	if err != nil {
		return nil, err
	}
	g.way = way
	g.users.current.Store(way.ids)
	if g.secrets, err = secretDigest(parts.config); err != nil {
		return nil, err
	}
	if err := g.openTokens(); err != nil {
		return nil, err
	}
	if err := g.openConsole(); err != nil {
		return nil, err
	}
	if g.oauth2, err = g.openOAuth2(g.console); err != nil {
		return nil, err
	}
	g.bearers = &bearers{own: g.oauth2.verifier, users: &g.users}
	if err := g.bearers.trust(parts.config, parts.now); err != nil {
		return nil, err
	}
	g.proxy, err = proxy.NewGateway(proxy.GatewayConfig{
		Rules: rules, Audit: parts.audit, Owned: g.routes, Tokens: g.verifier, Bearers: g.bearers, Sessions: g.console, Passwords: &g.users, Accounts: &g.users,
		Observer: parts.metrics, Refused: parts.refusals.add, Log: parts.log, Now: parts.now,
	})
	if err != nil {
		return nil, err
	}
	g.handler = g.proxy
	return g, nil
}

// way is the way to DHIS2: what a reload keeps while the file says the same about
// it, with DHIS2's sessions and connections.
type way struct {
	ids       *identities
	forwarder *proxy.ReverseProxy
}

// rules makes what a reload replaces.
func (g *gateway) rules(cfg *config.Config, kept *way) (proxy.Rules, *way, error) {
	policy, err := proxy.Compile(cfg)
	if err != nil {
		return proxy.Rules{}, nil, &exitError{exitConfig, err}
	}
	if kept == nil {
		if kept, err = g.openWay(cfg); err != nil {
			return proxy.Rules{}, nil, err
		}
	}
	return proxy.Rules{Policy: policy, Rates: cfg.Rates, Identities: kept.ids.upstreams, Forwarder: kept.forwarder}, kept, nil
}

func (g *gateway) openWay(cfg *config.Config) (*way, error) {
	server := identity.Server{URL: cfg.Upstream.URL, Transport: identity.NewTransport(cfg.Upstream.ConnectTimeout), Timeout: cfg.Upstream.ResponseTimeout}
	ids, err := openIdentities(identityConfig{config: cfg, server: server, store: g.store, folder: folder(cfg), now: g.now})
	if err != nil {
		return nil, err
	}
	forwarder, err := proxy.NewReverseProxy(proxy.ReverseProxyConfig{Upstream: cfg.Upstream, Public: cfg.Server.PublicURL, Now: g.now})
	return &way{ids, forwarder}, err
}

// openTokens makes what issues tokens: over the API and for the operator.
func (g *gateway) openTokens() (err error) {
	g.tokens, err = newTokens(tokensConfig{
		store: g.store, settings: func() pat.Settings { return settingsOf(g.inForce.Load()) },
		forget: g.verifier.Forget, lookup: g.users.Lookup, now: g.now,
	})
	if err != nil {
		return err
	}
	g.api, err = pat.NewAPI(pat.APIConfig{Issuer: g.tokens.issuer, PublicURL: func() string {
		return strings.TrimSuffix(g.inForce.Load().Server.PublicURL.String(), "/")
	}, Release: func() string { return g.inForce.Load().Sandbox.Version }})
	return err
}

// settingsOf are the operator's rules for tokens.
func settingsOf(cfg *config.Config) pat.Settings {
	t := cfg.Tokens
	return pat.Settings{Mint: t.Mint, DefaultExpiry: t.DefaultExpiry, MaxExpiry: t.MaxExpiry, MaxPerUser: t.MaxPerUser, Overlap: t.Overlap, Require: t.Require}
}

// register shows the numbers that others count.
func (g *gateway) register(reg *mx.Registry, box *behind) error {
	stat := func(pick func(pat.Stats) int64) func() int64 { return func() int64 { return pick(g.verifier.Stats()) } }
	all := []mx.Family{
		counter("d2gate_token_lookups_total", "Well-formed tokens that were verified.", stat(func(s pat.Stats) int64 { return s.Lookups })),
		counter("d2gate_token_cache_hits_total", "Tokens answered by the cache, unknown ones included.", stat(func(s pat.Stats) int64 { return s.Hits + s.NegativeHits })),
		counter("d2gate_token_cache_misses_total", "Tokens asked of the store.", stat(func(s pat.Stats) int64 { return s.Misses })),
		counter("d2gate_token_garbage_total", "Texts that are no token; they cost no look-up.", stat(func(s pat.Stats) int64 { return s.Garbage })),
		counter("d2gate_token_store_errors_total", "Questions that the store did not answer.", stat(func(s pat.Stats) int64 { return s.Errors })),
		mx.GaugeFunc("d2gate_token_cache_entries", "Records in the token cache.",
			func() (float64, error) { return float64(g.verifier.Stats().Entries), nil }),
	}
	all = append(all, g.oauth2.purged,
		counter("d2gate_bearer_lookups_total", "Access tokens asked of the store.", func() int64 { n, _ := g.oauth2.verifier.Stats(); return n }),
		counter("d2gate_bearer_cache_hits_total", "Access tokens answered by the cache.", func() int64 { _, n := g.oauth2.verifier.Stats(); return n }))
	if box != nil {
		all = append(all, counter("d2gate_sandbox_sessions_opened_total", "Sessions that the sandbox DHIS2 has opened.", box.sessions))
	}
	return reg.Register(all...)
}

// followChanges hears of changes that other replicas make, and confirms that there
// were none.
func (g *gateway) followChanges(ctx context.Context) {
	g.store.Follow(ctx, store.FollowConfig{
		Apply: func(c store.Change) {
			switch c.Topic {
			case "token":
				g.verifier.Forget(c.Key)
			case "oauth2":
				g.oauth2.verifier.Forget()
			}
		},
		Clear: func() {
			g.verifier.ForgetAll()
			g.oauth2.verifier.Forget()
		},
		Confirmed: func(at time.Time) {
			g.verifier.Confirmed(at)
			g.confirmed.Store(at.UnixMilli())
		},
		Now: g.now,
	})
}

// expire removes, every hour, what store.retention keeps no longer.
func (g *gateway) expire(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		keep := g.inForce.Load().Store.Retention
		g.removeOld(ctx, "expired tokens", keep.ExpiredTokens, func(ctx context.Context, before time.Time) (int64, error) {
			n, err := g.store.DeleteExpired(ctx, before)
			return int64(n), err
		})
		g.removeOld(ctx, "audit events", keep.Audit, g.store.DeleteAudit)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// removeOld removes rows that are older than keep; 0 keeps all.
func (g *gateway) removeOld(ctx context.Context, what string, keep time.Duration, remove func(ctx context.Context, before time.Time) (int64, error)) {
	if keep <= 0 {
		return
	}
	switch n, err := remove(ctx, g.now().Add(-keep)); {
	case err != nil && ctx.Err() == nil:
		g.log.Error(what+" not removed", "error", err)
	case n > 0:
		g.log.Info(what+" removed", "count", n)
	}
}

func (s *server) openMetrics() (*metrics, *mx.Registry, error) {
	reg := new(mx.Registry)
	m, err := newMetrics(reg, buildInfo())
	return m, reg, err
}
