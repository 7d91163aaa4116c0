package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/d2gate/d2gate/proxy"
)

// oauth2Routes are the endpoints of the token server: under RFC names, and under
// those of DHIS2 up to 2.41 where the configuration wants them.
func (g *gateway) oauth2Routes(r chi.Router, gw *proxy.Gateway) {
	o := g.oauth2
	authorize := g.console.Wrap(o.Authorize)
	legacy := func(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
		return gw.Public(func(w http.ResponseWriter, r *http.Request) error {
			if !g.inForce.Load().OAuth2.LegacyPaths {
				gw.NotFound(w, r)
				return nil
			}
			return h(w, r)
		})
	}
	r.HandleFunc("/oauth2/token", gw.Public(o.Token))
	r.HandleFunc("/oauth2/introspect", gw.Public(o.Introspect))
	r.HandleFunc("/oauth2/revoke", gw.Public(o.Revoke))
	r.Get("/oauth2/jwks", gw.Public(o.JWKS))
	r.HandleFunc("/oauth2/authorize", gw.Public(authorize))
	r.HandleFunc("/oauth/token", legacy(o.Token))
	r.HandleFunc("/oauth/authorize", legacy(authorize))
	r.HandleFunc("/uaa/oauth/token", legacy(o.Token))
	r.HandleFunc("/uaa/oauth/authorize", legacy(authorize))
	r.HandleFunc("/uaa/oauth/check_token", legacy(o.CheckToken))
	r.HandleFunc("/api/oAuth2Clients", gw.Authenticated(o.clientsAPI))
	r.HandleFunc("/api/oAuth2Clients/*", gw.Authenticated(o.clientsAPI))
	r.HandleFunc("/userinfo", gw.Authenticated(o.userInfo))
	r.Get("/.well-known/oauth-authorization-server", gw.Public(o.Metadata))
	r.Get("/.well-known/openid-configuration", gw.Public(o.Metadata))
}
