package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/proxy"
)

// openConsole puts the pages together. The OAuth2 server that they ask where a
// request would end is made after them.
func (g *gateway) openConsole() (err error) {
	settings, err := consoleSettings(g.config, g.now)
	if err != nil {
		return err
	}
	g.console, err = console.New(console.Config{
		PublicURL: g.config.Server.PublicURL, Sessions: g.store.Sessions(), Login: &g.users, Accounts: &g.users,
		Tokens: g.tokens.issuer, Clients: g.store.OAuth2(), Refusals: g.refusals, Admin: g.admin, ClientIP: proxy.Client,
		Destination:  func(ctx context.Context, params url.Values) string { return g.oauth2.Destination(ctx, params) },
		Applications: func() console.Applications { return g.oauth2 },
		Settings:     settings, Now: g.now,
	})
	return err
}

// consoleSettings are the parts of a configuration that the pages act on.
func consoleSettings(cfg *config.Config, now func() time.Time) (console.Settings, error) {
	s := console.Settings{TTL: cfg.Login.SessionTTL, Idle: cfg.Login.SessionIdle, Tokens: settingsOf(cfg), NoPassword: true}
	for _, p := range cfg.Login.Providers {
		if p.Type != "oidc" {
			s.NoPassword = false
			continue
		}
		provider, err := openProvider(cfg, p, now)
		if err != nil {
			return console.Settings{}, fmt.Errorf("login.providers %s: %w", p.ID, err)
		}
		s.Providers = append(s.Providers, provider)
	}
	return s, nil
}

func openProvider(cfg *config.Config, p config.Provider, now func() time.Time) (console.Provider, error) {
	var secret string
	if !p.ClientSecret.IsZero() {
		var err error
		if secret, err = p.ClientSecret.Resolve(); err != nil {
			return console.Provider{}, err
		}
	}
	o, err := identity.NewOIDC(identity.OIDCConfig{
		Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: identity.NewPassword(secret), UsernameClaim: p.UsernameClaim,
		RedirectURL: strings.TrimSuffix(cfg.Server.PublicURL.String(), "/") + "/d2gate/sign-in/" + p.ID + "/callback", Now: now,
	})
	name := p.Name
	if name == "" {
		name = p.ID
	}
	return console.Provider{ID: p.ID, Name: name, OIDC: o}, err
}

// admin reports whether one of these authorities makes an administrator.
func (g *gateway) admin(authorities []string) bool {
	admins := g.inForce.Load().Users.Admins
	return slices.ContainsFunc(authorities, func(a string) bool { return slices.Contains(admins, a) })
}

// Refusals implements console.Refusals.
func (s *refusals) Refusals(_ context.Context, token string, n int) ([]console.Refusal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []console.Refusal
	for i := 1; i <= keptRefusals && len(list) < n; i++ {
		r := s.ring[((s.next-i)%keptRefusals+keptRefusals)%keptRefusals]
		if r == nil {
			break
		}
		if e := r.event; e.Token == token {
			list = append(list, console.Refusal{
				At: e.Time, RequestID: e.RequestID, Method: e.Method, Path: e.Path, Client: e.Client, Reason: e.Reason, Failed: slices.Clone(e.Failed),
			})
		}
	}
	return list, nil
}
