package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	mx "github.com/d2gate/d2gate/internal/metrics"
	"github.com/d2gate/d2gate/internal/respond"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// routes is the whole HTTP surface of the gateway (design 2). The gateway calls it
// for paths that are d2gate's own, in their canonical spelling: without context
// path, API version, format suffix and trailing slash. Everything else belongs to
// the routes of the configuration.
func (g *gateway) routes(gw *proxy.Gateway) http.Handler {
	r := chi.NewRouter()
	nothing := func(w http.ResponseWriter, r *http.Request) error { gw.NotFound(w, r); return nil }
	r.NotFound(gw.Public(nothing))
	r.MethodNotAllowed(gw.Public(nothing))

	// Personal access tokens: the API answers for every method.
	r.Handle("/api/apiToken", gw.Authenticated(g.apiToken))
	r.Handle("/api/apiToken/*", gw.Authenticated(g.apiToken))

	// The issuer whose JWTs DHIS2 trusts: discovery and keys.
	r.Handle("/d2gate/issuer/*", gw.Public(g.issuer))
	r.Handle("/.well-known/openid-configuration/*", gw.Public(g.issuer))
	r.Handle("/.well-known/oauth-authorization-server/*", gw.Public(g.issuer))

	// The OAuth2 server.
	g.oauth2Routes(r, gw)

	// The pages.
	r.HandleFunc("/d2gate", gw.Public(g.console.Serve))
	for _, page := range []string{"sign-in", "sign-out", "tokens", "clients", "static"} {
		r.HandleFunc("/d2gate/"+page, gw.Public(g.console.Serve))
		r.HandleFunc("/d2gate/"+page+"/*", gw.Public(g.console.Serve))
	}

	// What a refusal means, and the decision for other proxies.
	r.Get("/d2gate/help/{reason}", gw.Public(help))
	r.HandleFunc("/d2gate/authz", gw.Authz)
	r.HandleFunc("/d2gate/authz/*", gw.Authz) // Envoy appends the path that it asks about
	return r
}

// adminRoutes is the admin listener: these three and nothing else.
func adminRoutes(g *gateway, reg *mx.Registry) http.Handler {
	r := chi.NewRouter()
	r.Get("/livez", g.livez)
	r.Get("/readyz", g.readyz)
	r.Method(http.MethodGet, "/metrics", reg)
	return r
}

// socketRoutes is the admin socket: what the verbs ask a running d2gate.
func socketRoutes(s *server, g *gateway) http.Handler {
	mux := http.NewServeMux()
	tokenRoutes(mux, g.tokens)
	clientRoutes(mux, clients{g.oauth2.registry})
	mux.HandleFunc("GET /status", adminHandler(func(r *http.Request) (status, error) { return g.status(r.Context(), s), nil }))
	mux.HandleFunc("POST /reload", adminHandler(func(*http.Request) (reloadResult, error) { return s.reload(g, "d2gate reload"), nil }))
	mux.HandleFunc("POST /backup", adminHandler(g.backup))
	mux.HandleFunc("POST /dhis2/check", adminHandler(g.checkDHIS2))
	mux.HandleFunc("POST /explain", adminHandler(g.explainAsked))
	mux.HandleFunc("GET /explain/{id}", adminHandler(g.explainMade))
	return mux
}

// apiToken hands a caller of /api/apiToken to the API in its own words.
func (g *gateway) apiToken(w http.ResponseWriter, r *http.Request, p proxy.Principal) error {
	caller := pat.Caller{
		UID: p.UID, Username: p.Username, Name: p.Name, DisplayName: p.DisplayName,
		Token: p.Token, Limited: p.Constraints != nil && p.Constraints.Limited(), Bearer: p.Kind == proxy.OAuth2Credential,
	}
	admin, err := g.administers(r.Context(), p)
	if err != nil {
		return err
	}
	caller.Admin = admin
	return g.api.ServeHTTP(w, r, caller)
}

// administers reports whether a caller holds an authority of users.admins.
func (g *gateway) administers(ctx context.Context, p proxy.Principal) (bool, error) {
	authorities, err := g.users.authorities(ctx, p)
	return err == nil && g.admin(authorities), err
}

func (g *gateway) issuer(w http.ResponseWriter, r *http.Request) error {
	issuer := g.users.current.Load().issuer
	if issuer == nil {
		g.proxy.NotFound(w, r)
		return nil
	}
	issuer.ServeHTTP(w, r)
	return nil
}

func help(w http.ResponseWriter, r *http.Request) error {
	respond.Help(w, r, strings.TrimPrefix(r.URL.Path, "/d2gate/help/"))
	return nil
}
