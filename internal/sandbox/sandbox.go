// Package sandbox is a small DHIS2 look-alike: for demo mode, for developers
// without a server, and for the tests. It answers as a recorded DHIS2 2.44 does,
// to the status code and the message, keeps everything in SQLite, and knows
// nothing of d2gate. Users and metadata are package metadata; here are the
// container in front of them, signing in, the dataStore, apps and what the system
// tells of itself. Read sandbox.go first, then routes.go.
package sandbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// Config of a Sandbox. The zero value of an optional field is a working default.
type Config struct {
	DB           *sql.DB // required: SQLite; tables are made when missing
	Version      string  // DHIS2 release whose answers are given, "2.36" to "2.44"; "" means 2.44
	TrustIssuer  string  // issuer whose JWTs sign users in; "" means nobody's
	Audience     string  // that those JWTs must have
	MappingClaim string  // "username" or "email"; "" means username
	Now          func() time.Time
	Rand         io.Reader
	Client       *http.Client // asks the issuer for its keys; nil means one of its own
}

// Sandbox is an http.Handler. It is safe for concurrent use.
type Sandbox struct {
	cfg      Config
	minor    int // of the version: 44
	db       *sql.DB
	md       *metadata.Service
	sessions *sessions
	bearers  *bearers
	failures *failures
	guards   *guards
	routes   []endpoint
}

// New makes the tables when they are missing and returns the sandbox.
func New(ctx context.Context, cfg Config) (*Sandbox, error) {
	if cfg.DB == nil {
		return nil, errors.New("sandbox: New: DB is required")
	}
	if cfg.Version == "" {
		cfg.Version = "2.44"
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(cfg.Version, "2."))
	if err != nil || minor < 36 || minor > 44 {
		return nil, errors.New("sandbox: New: Version must be from 2.36 to 2.44")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	s := &Sandbox{cfg: cfg, minor: minor, db: cfg.DB, failures: newFailures(cfg.Now)}
	if s.sessions, err = newSessions(cfg.Now, cfg.Rand); err != nil {
		return nil, err
	}
	s.bearers = newBearers(cfg)
	if s.md, err = metadata.Open(ctx, metadata.Config{DB: cfg.DB, Version: cfg.Version, Now: cfg.Now, Rand: cfg.Rand, BaseURL: baseURL, EndSessions: s.sessions.endUser}); err != nil {
		return nil, err
	}
	if err := createTables(ctx, cfg.DB); err != nil {
		return nil, err
	}
	if s.guards, err = loadGuards(ctx, cfg.DB, minor); err != nil {
		return nil, err
	}
	s.routes = s.table()
	return s, nil
}

// SessionsOpened is how many sessions were ever opened.
func (s *Sandbox) SessionsOpened() int64 { return s.sessions.opened.Load() }

// Metadata is the object engine, for commands that import files.
func (s *Sandbox) Metadata() *metadata.Service { return s.md }

// ServeHTTP is the way of a request through a DHIS2.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r}
	if status := firewall(r); status != 0 { // 1. the container
		c.page(status)
		return
	}
	if c.crossOrigin() { // 2. CORS: a foreign origin is answered, and not executed
		return
	}
	c.parse()
	c.match()
	if !c.public() { // 3. who is it
		if !c.authenticate() {
			return
		}
	}
	if err := c.dispatch(); err != nil { // 4. what they asked for
		c.fail(err)
	}
}

// baseURL is the address that href and Location are built from: DHIS2 takes
// X-Forwarded-Proto, -Host and -Port.
func baseURL(r *http.Request) string {
	scheme, host := "http", r.Host
	if v := r.Header.Get("X-Forwarded-Proto"); v != "" {
		scheme = v
	}
	if v := r.Header.Get("X-Forwarded-Host"); v != "" {
		host = v
		port := r.Header.Get("X-Forwarded-Port")
		if port != "" && !strings.Contains(host, ":") && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
			host += ":" + port
		}
	}
	return scheme + "://" + host
}
