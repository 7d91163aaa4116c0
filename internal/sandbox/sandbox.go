// Package sandbox is a small DHIS2 look-alike that lives in a SQLite database: it
// answers what a recorded DHIS2 2.44 answers, to the status code and message, for
// demo mode, for developers without a server and for the tests.
//
// It authenticates (Basic, session cookies, JWTs of one trusted issuer), keeps
// sessions, and serves the dataStore, apps, settings and system endpoints. Users
// and every other type of metadata belong to package metadata. It knows nothing
// of d2gate: to the gateway it is a DHIS2 like any other.
//
// Read story.go first, then routes.go.
package sandbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// Config is what a Sandbox needs. The zero value of every field but DB is a
// working default.
type Config struct {
	DB      *sql.DB // required: SQLite; tables are made when missing
	Version string  // generation of DHIS2, "2.36" to "2.44"; "" means 2.44

	TrustIssuer  string // whose JWTs are accepted as Bearer; "" means no Bearer is looked at
	Audience     string // the client_id that a JWT's aud must contain
	MappingClaim string // "username" or "email"; "" means username

	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Client *http.Client     // how the issuer is reached, within DHIS2's time limit; nil means http.DefaultClient
}

// Sandbox is the look-alike. It is an http.Handler, safe for concurrent use.
type Sandbox struct {
	cfg      Config
	dialect  dialect
	meta     *metadata.Service
	settings *settings
	store    *datastore.Service
	apps     *apps
	sessions *sessions
	bearer   *bearer // nil when no issuer is trusted
	failures *failures
	routes   *router
}

// New opens a sandbox on cfg.DB.
func New(ctx context.Context, cfg Config) (*Sandbox, error) {
	if cfg.DB == nil {
		return nil, errors.New("sandbox: New: DB is required")
	}
	cfg = cfg.withDefaults()
	d, err := dialectOf(cfg.Version)
	if err != nil {
		return nil, fmt.Errorf("sandbox: New: %w", err)
	}
	s := &Sandbox{cfg: cfg, dialect: d, failures: newFailures(cfg.Now)}
	s.sessions = newSessions(cfg.Now, cfg.Rand)
	if s.bearer, err = newBearer(cfg); err != nil {
		return nil, fmt.Errorf("sandbox: New: %w", err)
	}
	if s.settings, err = openSettings(ctx, cfg.DB); err != nil {
		return nil, err
	}
	s.meta, err = metadata.Open(ctx, metadata.Config{
		DB: cfg.DB, Version: cfg.Version, Now: cfg.Now, Rand: cfg.Rand, BaseURL: baseURL, EndSessions: s.sessions.endAll,
		UserSettings: s.settings.allOf, PasswordLength: s.settings.passwordLength,
	})
	if err != nil {
		return nil, err
	}
	if s.store, err = datastore.Open(ctx, datastore.Config{DB: cfg.DB, Minor: d.minor, Now: cfg.Now, Rand: cfg.Rand}); err != nil {
		return nil, err
	}
	if s.apps, err = openApps(ctx, cfg.DB, s.store); err != nil {
		return nil, err
	}
	s.routes = s.newRoutes()
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = "2.44"
	}
	if c.MappingClaim == "" {
		c.MappingClaim = "username"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Client == nil {
		c.Client = http.DefaultClient
	}
	return c
}

// SessionsOpened is how many server sessions have been opened since New.
func (s *Sandbox) SessionsOpened() int64 { return s.sessions.opened.Load() }

// Metadata is the object engine, for commands that import files.
func (s *Sandbox) Metadata() *metadata.Service { return s.meta }

// Protect closes a dataStore namespace to those without one of its authorities.
func (s *Sandbox) Protect(p datastore.Protection) { s.store.Protect(p) }
