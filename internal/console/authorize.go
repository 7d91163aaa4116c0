package console

import (
	"net/http"
	"net/url"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
	"github.com/d2gate/d2gate/oauth2server"
)

var _ oauth2server.Sessions = (*Console)(nil)

// SignedIn implements oauth2server.Sessions. An account that cannot be judged just
// now counts as not signed in.
func (c *Console) SignedIn(r *http.Request) (oauth2server.Owner, bool) {
	v := visitOf(r)
	if v == nil {
		return oauth2server.Owner{}, false
	}
	u, err := v.user()
	if err != nil || u == nil {
		return oauth2server.Owner{}, false
	}
	return oauth2server.Owner{UID: u.UID, Username: u.Username, Name: u.Name, Authorities: u.Authorities}, true
}

// SignIn implements oauth2server.Sessions. The address of the sign-in page holds
// where it leads back to, so that each tab has its own. A script hears 401, as in
// DHIS2.
func (c *Console) SignIn(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Requested-With") == "XMLHttpRequest" {
		respond.Message(w, r, dhis2.Error(http.StatusUnauthorized, "Unauthorized", ""))
		return
	}
	to := c.signInAt(c.authorizeAt(r))
	if len(to) > 7<<10 { // the gateway takes 8 KiB
		c.Problem(w, r, &oauth2server.Error{Status: http.StatusBadRequest, Code: "invalid_request", Description: "The request is too long"})
		return
	}
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.WriteHeader(status)
}

// signInAt is the address of the sign-in page that leads to next.
func (c *Console) signInAt(next string) string {
	return c.base + "/d2gate/sign-in?next=" + url.QueryEscape(next)
}

// authorizeAt is the authorization request as an address: also of a consent form
// that was sent when the session had ended.
func (c *Console) authorizeAt(r *http.Request) string {
	query := r.URL.RawQuery
	if v := visitOf(r); v != nil && r.Method == http.MethodPost {
		again := url.Values{}
		for name, values := range v.posted {
			switch name {
			case "csrf", "user_oauth_approval", "remember":
			default:
				again[name] = values
			}
		}
		query = again.Encode()
	}
	return c.base + r.URL.Path + "?" + query
}

// Token implements oauth2server.Sessions.
func (c *Console) Token(r *http.Request) string {
	v := visitOf(r)
	if v == nil || v.session == nil {
		return ""
	}
	return v.session.form
}

// CheckToken implements oauth2server.Sessions.
func (c *Console) CheckToken(r *http.Request, token string) bool {
	v := visitOf(r)
	return v != nil && v.session != nil && v.checkForm(token)
}

// consentForm is what the consent page shows.
type consentForm struct {
	Client   oauth2server.Client
	Host     string // to which the browser goes back
	Native   bool   // an app on this device
	Scopes   []string
	Action   string
	Again    string // this request, for another account
	Fields   []oauth2server.Field
	Apps     bool // whether the person can end it here
	Remember bool // whether that may be asked
}

// Consent implements oauth2server.Sessions.
func (c *Console) Consent(w http.ResponseWriter, r *http.Request, q oauth2server.Question) {
	v := visitOf(r)
	if v == nil || v.session == nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	host, native := redirectHost(q.Redirect)
	f := consentForm{
		Client: q.Client, Host: host, Native: native, Scopes: v.words.scopes(q.Scopes), Action: c.base + r.URL.Path,
		Again: c.authorizeAt(r), Fields: q.Fields, Remember: !q.Client.Public(), Apps: c.cfg.Applications != nil,
	}
	u := v.session.user
	v.must(w, view{name: "consent", title: "consent_title", ends: q.Redirect, user: &u, data: f})
}

// redirectHost is what a person can recognise of a redirect URI.
func redirectHost(redirect string) (host string, native bool) {
	u, err := url.Parse(redirect)
	if err != nil {
		return "", false
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return u.Scheme, true
	}
	return u.Host, false
}

// Problem implements oauth2server.Sessions: an error that must not be redirected
// stays here. The line for developers has DHIS2 2.41's form.
func (c *Console) Problem(w http.ResponseWriter, r *http.Request, e *oauth2server.Error) {
	v := visitOf(r)
	if v == nil {
		e.Render(w, r)
		return
	}
	p := problem{Text: v.words.T("authorize_failed"), Code: e.Code, Detail: e.Description, Request: w.Header().Get("X-Request-Id")}
	if f := fault.From(e); f != nil && f.Reason.Status(false) >= http.StatusInternalServerError {
		p.Text, p.Retry = v.words.T("dhis2_silent"), v.retryAfter(f)
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	v.must(w, view{name: "problem", title: "problem", status: status, data: p})
}
