package oauth2server

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is a validated authorization request.
type request struct {
	client   Client
	redirect string
	asked    bool // redirect_uri was a parameter
	state    string
	scope    string
	chall    string
	prompt   string
	params   url.Values
}

// Authorize serves /oauth2/authorize, /oauth/authorize and DHIS2's
// /uaa/oauth/authorize (RFC 6749 4.1.1): validate, know who is there, ask, answer.
// Nothing is ever sent to an address that was not validated first. A returned error
// renders itself as a page once it is on record.
func (s *Server) Authorize(w http.ResponseWriter, r *http.Request) error {
	params, err := authorizeParams(r) // 1. parameters, once
	if err != nil {
		return s.problem(r, err)
	}
	q, err := s.validate(r, params) // 2. client and redirect URI: errors stay here
	if err != nil {
		return s.problem(r, err)
	}
	if err := q.check(); err != nil { // 3. the rest: errors go to the client
		return s.redirectError(w, r, q, err)
	}
	owner, signedIn := s.cfg.Sessions.SignedIn(r) // 4. who is there
	if !signedIn {
		if q.prompt == "none" {
			return s.redirectError(w, r, q, page(0, "login_required", "The user is not signed in"))
		}
		s.cfg.Sessions.SignIn(w, r)
		return nil
	}
	if r.Method == http.MethodPost { // 5. the answer to the question
		return s.answered(w, r, q, owner)
	}
	remembered, err := s.remembered(r, q, owner)
	if err != nil {
		return err
	}
	switch {
	case remembered:
		return s.grantCode(w, r, q, owner)
	case q.prompt == "none":
		return s.redirectError(w, r, q, page(0, "consent_required", "The user has to be asked"))
	}
	s.cfg.Sessions.Consent(w, r, s.question(q, owner)) // 6. the question
	return nil
}

func authorizeParams(r *http.Request) (url.Values, error) {
	raw := r.URL.RawQuery
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
		if err != nil || len(body) > maxForm || raw != "" {
			return nil, page(http.StatusBadRequest, "invalid_request", "The form could not be read")
		}
		raw = string(body)
	default:
		return nil, page(http.StatusMethodNotAllowed, "method_not_allowed", "Request method '"+r.Method+"' not supported")
	}
	params, err := parseParams(raw)
	if err != nil {
		return nil, page(http.StatusBadRequest, "invalid_request", err.Error())
	}
	return params, nil
}

// validate finds the client and the redirect URI. Its errors must not redirect
// (RFC 6749 4.1.2.1).
func (s *Server) validate(r *http.Request, params url.Values) (request, error) {
	q := request{params: params, state: params.Get("state"), asked: params.Has("redirect_uri"), prompt: params.Get("prompt")}
	client, err := s.clientFor(r, params.Get("client_id"))
	if err != nil {
		return q, err
	}
	q.client = client
	switch {
	case len(client.GrantTypes) == 0:
		return q, page(http.StatusBadRequest, "invalid_grant", "A client must have at least one authorized grant type.")
	case !client.may("authorization_code"):
		return q, page(http.StatusBadRequest, "invalid_grant", "A redirect_uri can only be used by implicit or authorization_code grant types.")
	}
	q.redirect, err = resolveRedirect(client, params.Get("redirect_uri"), q.asked)
	return q, err
}

// check validates what is left. Its errors are told to the client.
func (q *request) check() error {
	if q.params.Get("response_type") != "code" {
		return page(0, "unsupported_response_type", "Unsupported response types")
	}
	if q.params.Has("request") || q.params.Has("request_uri") {
		return page(0, "request_not_supported", "Request objects are not supported")
	}
	if mode := q.params.Get("response_mode"); mode != "" && mode != "query" {
		return page(0, "invalid_request", "Unsupported response mode")
	}
	q.chall = q.params.Get("code_challenge")
	switch {
	case q.chall == "" && q.params.Get("code_challenge_method") != "":
		return page(0, "invalid_request", "A code challenge method without a challenge")
	case q.chall == "" && q.client.Public():
		return page(0, "invalid_request", "A client without a secret needs a code challenge")
	case q.chall != "" && q.params.Get("code_challenge_method") != "S256":
		return page(0, "invalid_request", "The code challenge method must be S256")
	case q.chall != "" && !challengeForm.MatchString(q.chall):
		return page(0, "invalid_request", "The code challenge is not a SHA-256 in base64url")
	}
	var err error
	q.scope, err = grantScope(q.params.Get("scope"))
	return err
}

// answered handles the posted consent form. The parameters were validated again
// from the form itself; the anti-forgery value binds it to this browser.
func (s *Server) answered(w http.ResponseWriter, r *http.Request, q request, owner Owner) error {
	if !s.cfg.Sessions.CheckToken(r, q.params.Get("csrf")) {
		return s.problem(r, page(http.StatusForbidden, "access_denied", "The form is out of date. Go back to the application and start again."))
	}
	if q.params.Get("user_oauth_approval") != "true" {
		return s.redirectError(w, r, q, page(0, "access_denied", "User denied access"))
	}
	if q.params.Get("remember") == "true" && !q.client.Public() {
		if err := s.cfg.Store.PutConsent(r.Context(), owner.Username, q.client.CID, q.scope, q.redirect, s.cfg.Now()); err != nil {
			return s.problem(r, storeGone(err))
		}
	}
	return s.grantCode(w, r, q, owner)
}

// remembered reports whether the question was answered for good. An unproven
// client is asked about each time (RFC 8252 8.6).
func (s *Server) remembered(r *http.Request, q request, owner Owner) (bool, error) {
	if q.client.Public() || strings.Contains(q.prompt, "consent") {
		return false, nil
	}
	ok, err := s.cfg.Store.Consented(r.Context(), owner.Username, q.client.CID, q.scope, q.redirect)
	if err != nil {
		return false, storeGone(err)
	}
	return ok, nil
}

var carried = []string{"client_id", "response_type", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method", "nonce", "prompt", "response_mode"}

func (s *Server) question(q request, owner Owner) Question {
	out := Question{Client: q.client, Owner: owner, Scopes: scopes(q.scope), Redirect: q.redirect}
	for _, name := range carried {
		if q.params.Has(name) {
			out.Fields = append(out.Fields, Field{name, q.params.Get(name)})
		}
	}
	return out
}

// grantCode stores a code and sends the browser to the client with it: 303, so
// that the posted form does not travel along (RFC 9700 4.12).
func (s *Server) grantCode(w http.ResponseWriter, r *http.Request, q request, owner Owner) error {
	code, err := s.newUUID()
	if err != nil {
		return err
	}
	family, err := s.newUUID()
	if err != nil {
		return err
	}
	err = s.cfg.Store.PutCode(r.Context(), Code{
		Hash: Hash(code), ClientCID: q.client.CID, Redirect: q.redirect, Asked: q.asked, Challenge: q.chall,
		Owner: owner, Scope: q.scope, Family: family, Expires: s.cfg.Now().Add(s.settings.Load().CodeTTL),
	})
	if err != nil {
		return s.problem(r, storeGone(err))
	}
	s.redirect(w, r, answerTo(q.redirect, "code", code, "state", q.state, "iss", s.cfg.Issuer))
	return nil
}

func (s *Server) redirectError(w http.ResponseWriter, r *http.Request, q request, err error) error {
	e := asError(err)
	if e == nil {
		return err
	}
	s.redirect(w, r, answerTo(q.redirect, "error", e.Code, "error_description", e.Description, "state", q.state, "iss", s.cfg.Issuer, "scope", e.Scope))
	return nil
}

func (s *Server) redirect(w http.ResponseWriter, _ *http.Request, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// problem makes the page of an error. Errors that are not OAuth2's have none.
func (s *Server) problem(r *http.Request, err error) error {
	e := asError(err)
	if e == nil {
		return err
	}
	return &shown{e, r, s.cfg.Sessions}
}

// shown is an Error that a page tells, once it is on record.
type shown struct {
	told  *Error
	r     *http.Request
	pages Sessions
}

func (e *shown) Error() string { return e.told.Error() }

// Unwrap returns the Error.
func (e *shown) Unwrap() error { return e.told }

// Render implements respond.Renderer.
func (e *shown) Render(w http.ResponseWriter, _ *http.Request) { e.pages.Problem(w, e.r, e.told) }
