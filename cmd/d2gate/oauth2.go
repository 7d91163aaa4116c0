package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	mx "github.com/d2gate/d2gate/internal/metrics"
	"github.com/d2gate/d2gate/oauth2server"
	"github.com/d2gate/d2gate/proxy"
)

// tokenServer is the OAuth2 server with what it needs of the rest.
type tokenServer struct {
	*oauth2server.Server
	verifier *oauth2server.Verifier
	keys     *oauth2server.Keys
	registry *oauth2server.Registry
	clients  *oauth2server.ClientsAPI
	users    *users
	purged   *mx.Counter
}

// openOAuth2 puts the OAuth2 server together. Sessions are the pages that sign
// people in and ask for consent.
func (g *gateway) openOAuth2(sessions oauth2server.Sessions) (*tokenServer, error) {
	cfg, st := g.config, g.store.OAuth2()
	seal, err := openSealKey(filepath.Join(folder(cfg), "oauth2.key"))
	if err != nil {
		return nil, err
	}
	t := &tokenServer{users: &g.users, purged: mx.NewCounter("d2gate_oauth2_purged_rows_total", "Expired rows of the OAuth2 tables that were removed.")}
	if t.keys, err = oauth2server.OpenKeys(context.Background(), oauth2server.KeysConfig{Store: st, Seal: seal, Rand: rand.Reader, Now: g.now}); err != nil {
		return nil, err
	}
	t.verifier, err = oauth2server.NewVerifier(oauth2server.VerifierConfig{Store: st, Entries: cfg.Store.CacheEntries, TTL: cfg.Store.MaxStaleness, Now: g.now})
	if err != nil {
		return nil, err
	}
	if t.registry, err = oauth2server.NewRegistry(oauth2server.RegistryConfig{Store: st, Changed: t.verifier.Forget, Now: g.now}); err != nil {
		return nil, err
	}
	t.clients, err = oauth2server.NewClientsAPI(oauth2server.ClientsAPIConfig{Registry: t.registry, PublicURL: func() string { return strings.TrimSuffix(g.inForce.Load().Server.PublicURL.String(), "/") }})
	if err != nil {
		return nil, err
	}
	t.Server, err = oauth2server.New(oauth2server.Config{
		Store: st, Passwords: t, Owners: t, Sessions: sessions, Keys: t.keys, Issuer: cfg.Server.PublicURL.String(), Settings: oauth2Settings(cfg),
		ClientIP: proxy.Client, Acts: putOnRecord, Revoked: t.verifier.Forget, Now: g.now,
	})
	return t, err
}

// putOnRecord names for whom tokens are made.
func putOnRecord(r *http.Request, uid, username string) {
	proxy.Name(r, proxy.Principal{Kind: proxy.OAuth2Credential, UID: uid, Username: username})
}

func oauth2Settings(cfg *config.Config) oauth2server.Settings {
	o := cfg.OAuth2
	return oauth2server.Settings{PasswordGrant: o.PasswordGrant, JWT: o.AccessFormat == "jwt", AccessTTL: o.AccessTTL, RefreshTTL: o.RefreshTTL, ReuseGrace: o.ReuseGrace, CodeTTL: o.CodeTTL}
}

// CheckPassword asks DHIS2, throttled like Basic.
func (t *tokenServer) CheckPassword(ctx context.Context, username, password string, client netip.Addr) (oauth2server.Owner, error) {
	u, err := t.users.Verify(ctx, username, password, client)
	return ownerOf(u), err
}

// CheckOwner asks whether the account is in force.
func (t *tokenServer) CheckOwner(ctx context.Context, o oauth2server.Owner) error {
	return t.users.Check(ctx, identity.User{UID: o.UID, Username: o.Username, Name: o.Name})
}

// Authorities are those that DHIS2 named last.
func (t *tokenServer) Authorities(ctx context.Context, o oauth2server.Owner) ([]string, error) {
	return t.users.authorities(ctx, proxy.Principal{Kind: proxy.OAuth2Credential, UID: o.UID, Username: o.Username})
}

func ownerOf(u identity.User) oauth2server.Owner {
	return oauth2server.Owner{UID: u.UID, Username: u.Username, Name: u.Name, Authorities: u.Authorities}
}

// bearers verifies access tokens: our own, and those of trusted issuers.
type bearers struct {
	own     *oauth2server.Verifier
	foreign atomic.Pointer[identity.Bearers] // of trusted issuers; nil until a file names some
	users   *users
}

// trust takes over the trusted issuers of a configuration.
func (b *bearers) trust(cfg *config.Config, now func() time.Time) error {
	var list []identity.TrustedIssuer
	for _, t := range cfg.OAuth2.TrustedIssuers {
		list = append(list, identity.TrustedIssuer{Issuer: t.Issuer, Audience: t.Audience, UsernameClaim: t.UsernameClaim})
	}
	f, err := identity.NewBearers(identity.BearersConfig{Issuers: list, Now: now})
	if err != nil {
		return err
	}
	b.foreign.Store(f)
	return nil
}

// Verify implements proxy.Bearers.
func (b *bearers) Verify(ctx context.Context, text string) (proxy.Principal, error) {
	if f := b.foreign.Load(); f != nil && f.Takes(text) {
		return b.verifyForeign(ctx, f, text)
	}
	t, err := b.own.Verify(ctx, text)
	if err != nil {
		return proxy.Principal{}, err
	}
	return proxy.Principal{
		Kind: proxy.OAuth2Credential, UID: t.Owner.UID, Username: t.Owner.Username, Name: t.Owner.Name, DisplayName: t.Owner.Name,
		TokenID: t.ID, ClientID: t.ClientCID, Constraints: &t.Constraints,
	}, nil
}

// verifyForeign takes a JWT of a trusted issuer: DHIS2 must know the user, and the
// account must be in force.
func (b *bearers) verifyForeign(ctx context.Context, f *identity.Bearers, text string) (proxy.Principal, error) {
	who, err := f.Verify(ctx, text)
	if err != nil {
		return proxy.Principal{}, err
	}
	u, err := b.users.Lookup(ctx, who.Username)
	if err != nil {
		return proxy.Principal{}, err
	}
	return proxy.Principal{Kind: proxy.OAuth2Credential, UID: u.UID, Username: u.Username, Name: u.Name, DisplayName: u.DisplayName, ClientID: who.ClientID, Authorities: u.Authorities, Constraints: &constraints.Set{Expiry: who.Expiry}}, nil
}

// run keeps keys fresh and tables bounded until ctx ends.
func (t *tokenServer) run(ctx context.Context, g *gateway) {
	var keys sync.WaitGroup
	defer keys.Wait()
	keys.Go(func() { t.refreshKeys(ctx, g) })
	t.RunPurge(ctx, 24*time.Hour, func(rows int64, err error) {
		if err != nil && ctx.Err() == nil {
			g.log.Error("expired OAuth2 rows not removed", "error", err)
		}
		t.purged.Add(uint64(max(rows, 0)))
	})
}

// refreshKeys rotates signing keys, and reads those of other replicas.
func (t *tokenServer) refreshKeys(ctx context.Context, g *gateway) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := t.keys.Refresh(ctx); err != nil && ctx.Err() == nil {
				g.log.Error("signing keys", "error", err)
			}
		}
	}
}

// clientsAPI hands a caller of /api/oAuth2Clients to the API.
func (t *tokenServer) clientsAPI(w http.ResponseWriter, r *http.Request, p proxy.Principal) error {
	u := p.User()
	var err error
	if u.Authorities, err = t.users.authorities(r.Context(), p); err != nil {
		return err
	}
	return t.clients.ServeHTTP(w, r, oauth2server.ClientCaller{
		Owner: ownerOf(u), Bearer: p.Kind == proxy.OAuth2Credential, Limited: p.Constraints != nil && p.Constraints.Limited(),
	})
}

// userInfo answers for a bearer, and for anybody else who is signed in.
func (t *tokenServer) userInfo(w http.ResponseWriter, r *http.Request, p proxy.Principal) error {
	if p.Kind != proxy.OAuth2Credential {
		return fault.New(fault.PolicyRefused, "").WithDetail("userinfo is for access tokens")
	}
	return t.UserInfo(w, r, oauth2server.Owner{UID: p.UID, Username: p.Username, Name: p.Name})
}

// openSealKey reads the key that signing keys are sealed with in the store; it is
// made at the first start. Replicas share it.
func openSealKey(path string) (key [32]byte, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeSealKey(path)
	}
	if err != nil {
		return key, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return key, err
	case info.Mode().Perm()&0o077 != 0:
		return key, fmt.Errorf("%s: others may read this key: chmod 600 it", path)
	case len(b) != len(key):
		return key, fmt.Errorf("%s: not a key of %d bytes", path, len(key))
	}
	return [32]byte(b), nil
}

func makeSealKey(path string) (key [32]byte, err error) {
	if _, err := io.ReadFull(rand.Reader, key[:]); err != nil {
		return key, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) { // another process was faster
		return openSealKey(path)
	}
	if err != nil {
		return key, err
	}
	_, err = f.Write(key[:])
	return key, errors.Join(err, f.Sync(), f.Close())
}
