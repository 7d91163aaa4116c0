package oauth2server

import (
	"encoding/json"
	"net/http"
)

// metadata is RFC 8414 2 and OpenID Connect Discovery 3. Every address is built
// from public_url, never from what a request says.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	ScopesSupported       []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	TokenEndpointAuth     []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuth     []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuth        []string `json:"revocation_endpoint_auth_methods_supported"`
	CodeChallengeMethods  []string `json:"code_challenge_methods_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	RequestParameter      bool     `json:"request_parameter_supported"`
	RequestURIParameter   bool     `json:"request_uri_parameter_supported"`
	PromptValues          []string `json:"prompt_values_supported"`
}

// Metadata serves /.well-known/oauth-authorization-server and
// /.well-known/openid-configuration.
func (s *Server) Metadata(w http.ResponseWriter, r *http.Request) error {
	iss := s.cfg.Issuer
	auth := []string{"client_secret_basic", "client_secret_post"}
	grants := []string{"authorization_code", "refresh_token"}
	if s.settings.Load().PasswordGrant {
		grants = append(grants, "password")
	}
	w.Header().Set("Access-Control-Allow-Origin", "*") // a public document
	writePublic(w, r, metadata{
		Issuer: iss, AuthorizationEndpoint: iss + "/oauth2/authorize", TokenEndpoint: iss + "/oauth2/token", JWKSURI: iss + "/oauth2/jwks",
		UserinfoEndpoint: iss + "/userinfo", IntrospectionEndpoint: iss + "/oauth2/introspect", RevocationEndpoint: iss + "/oauth2/revoke",
		ScopesSupported: append([]string{scopeAll}, labels...), ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, GrantTypes: grants,
		TokenEndpointAuth: append(auth, "none"), IntrospectionAuth: auth, RevocationAuth: auth, CodeChallengeMethods: []string{"S256"},
		SubjectTypes: []string{"public"}, IDTokenAlgs: []string{"RS256"}, IssParameter: true, PromptValues: []string{"none", "consent"},
	})
	return nil
}

// writePublic answers with a document that anybody may read and keep for a while.
func writePublic(w http.ResponseWriter, r *http.Request, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	if r.Method == http.MethodHead {
		return
	}
	_ = json.NewEncoder(w).Encode(v) // the caller has gone; there is nobody to tell
}

// UserInfo serves /userinfo (OpenID Connect Core 5.3) for a bearer that the
// gateway has verified.
func (s *Server) UserInfo(w http.ResponseWriter, r *http.Request, o Owner) error {
	writeJSON(w, r, http.StatusOK, struct {
		Sub               string `json:"sub"`
		Name              string `json:"name,omitempty"`
		PreferredUsername string `json:"preferred_username"`
		Username          string `json:"username"`
	}{o.subject(), o.Name, o.Username, o.Username})
	return nil
}
