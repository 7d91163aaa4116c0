package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/pat"
)

// demoFolder is where demo mode keeps its data, below the working directory.
const demoFolder = ".d2gate"

// place is the d2gate that a verb means: the one of -c FILE, else the one that
// demo mode keeps in .d2gate.
type place struct {
	cfg  *config.Config
	demo bool
}

// place finds it. Secrets are not resolved; nothing is opened.
func (p *program) place(file string) (*place, error) {
	if file != "" {
		cfg, err := p.load(file)
		return &place{cfg: cfg}, err
	}
	cfg, err := demoConfig(demoPlan{folder: demoFolder, listen: demoListen, admin: defaultAdmin, upstream: "127.0.0.1:1"})
	return &place{cfg, true}, err
}

// load reads a configuration file; its faults exit with 3.
func (p *program) load(file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return cfg, nil
}

// required is the complaint about a verb that was not told which file.
func required(flag string) error { return usage("%s is required", flag) }

// auditLog is the path of the first audit file.
func (at *place) auditLog() (string, error) {
	for _, s := range at.cfg.Audit.Sinks {
		if s.Type == "file" {
			return s.Path, nil
		}
	}
	if at.auditStore() {
		return "", errors.New("the configuration writes no audit file, but to the store: ask with d2gate explain ID, or in SQL (table audit_event)")
	}
	return "", errors.New("the configuration writes no audit file")
}

// auditStore reports whether events go to the store.
func (at *place) auditStore() bool {
	return slices.ContainsFunc(at.cfg.Audit.Sinks, func(s config.Sink) bool { return s.Type == "store" })
}

// sqlitePath is the file of the store; an error if it is PostgreSQL.
func (at *place) sqlitePath() (string, error) {
	driver, location, err := at.cfg.Store.URL.Resolve()
	if err != nil {
		return "", err
	}
	if driver != "sqlite" {
		return "", errors.New("the store is PostgreSQL: use pg_dump and pg_restore")
	}
	return location, nil
}

// openStore opens the store without a server. It makes none where none is.
func (at *place) openStore(ctx context.Context) (*store.Store, error) {
	driver, location, err := at.cfg.Store.URL.Resolve()
	if err != nil {
		return nil, err
	}
	if driver == "sqlite" {
		if _, err := os.Stat(location); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w, and there is no store at %s", errNoServer, location)
		}
	}
	return store.Open(ctx, driver, location)
}

// folder is where files without a name of their own are kept: beside the SQLite
// file, else beside the configuration.
func folder(cfg *config.Config) string {
	if driver, location, err := cfg.Store.URL.Resolve(); err == nil && driver == "sqlite" {
		return filepath.Dir(location)
	}
	return filepath.Dir(cfg.File)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// localTokens is the service of the token verbs without a server: the same rules,
// on the store itself.
func (at *place) localTokens(st *store.Store) (*tokens, error) {
	return newTokens(tokensConfig{
		store: st, settings: func() pat.Settings { return settingsOf(at.cfg) }, forget: func(string) {},
		lookup: func(ctx context.Context, username string) (identity.User, error) { return at.lookup(ctx, st, username) }, now: time.Now,
	})
}

// lookup asks DHIS2 who a user is; only then are the secrets of the identities
// needed. Where nobody answers, as when demo mode is not running, the bare name has
// to do: the gateway checks the account on each use.
func (at *place) lookup(ctx context.Context, st *store.Store, username string) (identity.User, error) {
	server := identity.Server{URL: at.cfg.Upstream.URL, Transport: identity.NewTransport(at.cfg.Upstream.ConnectTimeout)}
	ids, err := openIdentities(identityConfig{config: at.cfg, server: server, store: st, folder: folder(at.cfg), now: time.Now})
	if err != nil {
		return identity.User{}, err
	}
	u, err := ids.directory.Lookup(ctx, username)
	if f := fault.From(err); f != nil && f.Reason == fault.UpstreamUnreachable {
		return identity.User{Username: username}, nil
	}
	return u, err
}
