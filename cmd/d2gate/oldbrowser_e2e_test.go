package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// oldBrowser stands between the recordings and the gateway and does what differs on
// purpose for a person at a browser: it signs in at our page where the recorded one
// signed in at DHIS2's, and sends the hidden fields of our consent form. Redirects
// to a client must carry iss (RFC 9207), which it takes off.
type oldBrowser struct {
	t       *testing.T
	gateway string

	mu      sync.Mutex
	consent map[string]url.Values // by cookie: the form that is open
}

func newOldBrowser(t *testing.T, gateway string) *httptest.Server {
	b := &oldBrowser{t: t, gateway: gateway, consent: map[string]url.Values{}}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	return srv
}

func (b *oldBrowser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/api/auth/login" && r.Header.Get("Authorization") == "":
		b.signIn(w, r, body)
		return
	case r.Method == http.MethodPost && r.URL.Path == "/uaa/oauth/authorize":
		body = b.fill(r, body)
	}
	resp, err := b.forward(r, r.URL.RequestURI(), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if forms := formsOf(string(text)); r.URL.Path == "/uaa/oauth/authorize" && resp.StatusCode == http.StatusOK {
		for _, f := range forms {
			if f.fields.Get("user_oauth_approval") != "" {
				b.mu.Lock()
				b.consent[r.Header.Get("Cookie")] = f.fields
				b.mu.Unlock()
			}
		}
	}
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	b.takeIssuer(w.Header())
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(text) // the recording reads it
}

func (b *oldBrowser) forward(r *http.Request, target string, body []byte) (*http.Response, error) {
	q, err := http.NewRequestWithContext(r.Context(), r.Method, b.gateway+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header = r.Header.Clone()
	q.Header.Del("Connection")
	if r.ContentLength <= 0 {
		q.Body, q.ContentLength = http.NoBody, 0
	}
	return http.DefaultTransport.RoundTrip(q)
}

// signIn takes JSON as DHIS2's /api/auth/login did and signs in at our page.
func (b *oldBrowser) signIn(w http.ResponseWriter, r *http.Request, body []byte) {
	var who struct{ Username, Password string }
	if json.Unmarshal(body, &who) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	person := newBrowser(b.t, b.gateway)
	person.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := person.open(b.gateway+"/d2gate/sign-in").submit("username", who.Username, "password", who.Password)
	at, err := url.Parse(b.gateway + "/")
	if err != nil || p.status != http.StatusSeeOther {
		http.Error(w, "not signed in", http.StatusUnauthorized)
		return
	}
	for _, c := range person.http.Jar.Cookies(at) {
		w.Header().Add("Set-Cookie", c.Name+"="+c.Value)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"loginStatus":"SUCCESS","redirectUrl":"/"}`) // the recording reads it
}

// fill adds what our form holds to what the recorded one sent.
func (b *oldBrowser) fill(r *http.Request, body []byte) []byte {
	b.mu.Lock()
	held, open := b.consent[r.Header.Get("Cookie")]
	b.mu.Unlock()
	sent, err := url.ParseQuery(string(body))
	if !open || err != nil {
		return body
	}
	for k, v := range held {
		if !sent.Has(k) {
			sent[k] = v
		}
	}
	r.Header.Set("Origin", b.gateway)
	out := sent.Encode()
	r.ContentLength = int64(len(out))
	r.Header.Del("Content-Length")
	return []byte(out)
}

// takeIssuer checks and removes iss of a redirect that answers a client.
func (b *oldBrowser) takeIssuer(h http.Header) {
	to := h.Get("Location")
	iss := "iss=" + url.QueryEscape(b.gateway)
	if !strings.Contains(to, iss) {
		return
	}
	require.Contains(b.t, []string{"&" + iss, "?" + iss}, to[strings.Index(to, iss)-1:strings.Index(to, iss)+len(iss)])
	h.Set("Location", strings.TrimSuffix(strings.Replace(strings.Replace(to, "&"+iss, "", 1), iss+"&", "", 1), "?"+iss))
}
