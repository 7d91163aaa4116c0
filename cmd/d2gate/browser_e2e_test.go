package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	formTag   = regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	fieldTag  = regexp.MustCompile(`(?s)<(?:input|button)\b([^>]*)>`)
	linkTag   = regexp.MustCompile(`(?s)<a\b([^>]*)>`)
	attribute = regexp.MustCompile(`(?s)([a-zA-Z_-]+)(?:="([^"]*)")?`)
)

// attributesOf reads name="value" pairs of a tag.
func attributesOf(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		out[m[1]] = html.UnescapeString(m[2])
	}
	return out
}

// browser is one without script: it keeps cookies, reads forms and sends them. It
// follows redirects as long as they stay at one of its hosts.
type browser struct {
	t     *testing.T
	http  *http.Client
	hosts map[string]bool // "127.0.0.1:9100"
}

func newBrowser(t *testing.T, bases ...string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b := &browser{t: t, hosts: map[string]bool{}}
	for _, base := range bases {
		u, err := url.Parse(base)
		require.NoError(t, err)
		b.hosts[u.Host] = true
	}
	b.http = &http.Client{Jar: jar, CheckRedirect: func(q *http.Request, via []*http.Request) error {
		if !b.hosts[q.URL.Host] || len(via) > 12 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// page is what a browser shows. away is set instead when an answer led elsewhere.
type page struct {
	b      *browser
	status int
	header http.Header
	at     *url.URL
	body   string
	away   *url.URL
	forms  []form
}

// form is one that can be filled in and sent.
type form struct {
	method, action string
	fields         url.Values
}

func (b *browser) open(address string) *page {
	b.t.Helper()
	q, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	require.NoError(b.t, err)
	return b.send(q)
}

func (b *browser) send(q *http.Request) *page {
	b.t.Helper()
	q.Header.Set("Accept", "text/html,application/xhtml+xml")
	resp, err := b.http.Do(q)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	p := &page{b: b, status: resp.StatusCode, header: resp.Header, at: resp.Request.URL, body: string(text)}
	if l, err := resp.Location(); err == nil {
		p.away = l
		return p
	}
	p.forms = formsOf(p.body)
	return p
}

// submit fills in the form that has all of the named fields, and sends it. Fields
// come as name and value in turns.
func (p *page) submit(fill ...string) *page {
	p.b.t.Helper()
	for _, f := range p.forms {
		if f.takes(fill) {
			return p.b.post(p.at, f, fill)
		}
	}
	p.b.t.Fatalf("no form takes %q at %s: %d\n%s", fill, p.at, p.status, p.body)
	return nil
}

func (f form) takes(fill []string) bool {
	for i := 0; i+1 < len(fill); i += 2 {
		if have, there := f.fields[fill[i]]; !there || have[0] != "" && have[0] != fill[i+1] {
			return false
		}
	}
	return true
}

func (b *browser) post(at *url.URL, f form, fill []string) *page {
	b.t.Helper()
	values := url.Values{}
	for k, v := range f.fields {
		values[k] = v
	}
	for i := 0; i+1 < len(fill); i += 2 {
		values.Set(fill[i], fill[i+1])
	}
	to, err := at.Parse(f.action)
	require.NoError(b.t, err)
	if f.method != http.MethodPost {
		to.RawQuery = values.Encode()
		return b.open(to.String())
	}
	q, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	require.NoError(b.t, err)
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Origin", at.Scheme+"://"+at.Host)
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(q)
}

// follow opens the link whose address holds what is said.
func (p *page) follow(part string) *page {
	p.b.t.Helper()
	for _, m := range linkTag.FindAllStringSubmatch(p.body, -1) {
		if to := attributesOf(m[1])["href"]; strings.Contains(to, part) {
			u, err := p.at.Parse(to)
			require.NoError(p.b.t, err)
			return p.b.open(u.String())
		}
	}
	p.b.t.Fatalf("no link to %q at %s\n%s", part, p.at, p.body)
	return nil
}

// formsOf reads the forms of a page, with what they already hold. A box that is not
// ticked is not sent.
func formsOf(body string) (out []form) {
	for _, m := range formTag.FindAllStringSubmatch(body, -1) {
		a := attributesOf(m[1])
		f := form{method: strings.ToUpper(a["method"]), action: a["action"], fields: url.Values{}}
		for _, i := range fieldTag.FindAllStringSubmatch(m[2], -1) {
			if a := attributesOf(i[1]); a["name"] != "" && a["type"] != "checkbox" {
				f.fields.Add(a["name"], a["value"])
			}
		}
		out = append(out, f)
	}
	return out
}

// authorize signs in, allows, and returns the code that a client is sent.
func (b *browser) authorize(address, username, password string) string {
	b.t.Helper()
	p := b.open(address)
	if strings.Contains(p.at.Path, "/sign-in") {
		require.Equal(b.t, 200, p.status, p.body)
		p = p.submit("username", username, "password", password)
	}
	return b.allow(p)
}

// allow sends the consent form and returns the code of the redirect.
func (b *browser) allow(p *page) string {
	b.t.Helper()
	require.Nil(b.t, p.away)
	require.Equal(b.t, 200, p.status, p.body)
	p = p.submit("user_oauth_approval", "true")
	require.NotNil(b.t, p.away, "%d %s", p.status, p.body)
	require.Equal(b.t, 303, p.status)
	code := p.away.Query().Get("code")
	require.NotEmpty(b.t, code, p.away)
	return code
}
