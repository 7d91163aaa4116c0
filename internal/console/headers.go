package console

import (
	"net/http"
	"net/url"
	"strings"
)

// pagePolicy is the Content-Security-Policy of a page whose forms may end at
// another address: Chromium applies form-action to the redirects that follow a
// form, and drops them without a word (w3c/webappsec-csp#8). ends is a validated
// redirect URI, "" for pages whose forms stay here.
func pagePolicy(ends string) string {
	action := "'self'"
	if s := source(ends); s != "" {
		action += " " + s
	}
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action " +
		action + "; base-uri 'none'; frame-ancestors 'none'"
}

// source is the source expression for a redirect URI: its origin, or the scheme of
// a native app. CSP has no way to write an IPv6 address, so there it is the scheme.
func source(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme == "" || strings.ContainsAny(u.Scheme+u.Host, " ;,'\"") {
		return ""
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Contains(u.Host, "[") {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// pageHeaders are those of every page: nothing may keep it, frame it, or hear where
// the reader comes from. Referrer-Policy is same-origin and not no-referrer, which
// would turn the Origin of our own forms into null (golang/go#73626).
func pageHeaders(h http.Header, ends, lang string) {
	h.Set("Content-Type", "text/html;charset=UTF-8")
	h.Set("Content-Language", lang)
	h.Set("Content-Security-Policy", pagePolicy(ends))
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Permissions-Policy", "clipboard-write=(self)")
	h.Add("Vary", "Cookie, Accept-Language")
}
