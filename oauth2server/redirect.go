package oauth2server

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/fault"
)

// CheckRedirectURI says what is wrong with a redirect URI at registration: it
// must be absolute, without fragment, user or wildcard; http(s), or the private
// scheme of a native app (RFC 8252 7.1). "" means nothing.
func CheckRedirectURI(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || !u.IsAbs() || strings.ContainsAny(s, " \t\r\n\\<>\""):
		return "is not an absolute URI"
	case strings.Contains(s, "#"):
		return "has a fragment"
	case u.User != nil:
		return "holds a user name"
	case strings.Contains(s, "*"):
		return "holds a wildcard"
	case u.Scheme == "http" || u.Scheme == "https":
		if u.Hostname() == "" {
			return "names no host"
		}
	case !strings.Contains(u.Scheme, "."):
		return "has a scheme that is neither https, http, nor a reversed domain name"
	}
	return ""
}

// resolveRedirect finds the redirect URI of a request: the one that was asked for
// if it is registered to the letter, else the only one if none was asked for
// (RFC 6749 3.1.2.3). A native client's loopback address may have any port
// (RFC 8252 7.3).
func resolveRedirect(c Client, asked string, was bool) (string, error) {
	switch {
	case len(c.RedirectURIs) == 0:
		return "", page(http.StatusBadRequest, "invalid_request", "At least one redirect_uri must be registered with the client.")
	case !was && len(c.RedirectURIs) == 1:
		return c.RedirectURIs[0], nil
	case was && slices.ContainsFunc(c.RedirectURIs, func(reg string) bool { return reg == asked || c.Public() && sameLoopback(reg, asked) }):
		return asked, nil
	}
	return "", page(http.StatusBadRequest, "invalid_grant", "Invalid redirect uri does not match one of the registered values.")
}

func sameLoopback(registered, asked string) bool {
	r, err1 := url.Parse(registered)
	a, err2 := url.Parse(asked)
	if err1 != nil || err2 != nil || a.User != nil || strings.Contains(asked, "#") {
		return false
	}
	ip := net.ParseIP(r.Hostname())
	return r.Scheme == "http" && a.Scheme == "http" && ip != nil && ip.IsLoopback() && r.Hostname() == a.Hostname() &&
		r.EscapedPath() == a.EscapedPath() && r.RawQuery == a.RawQuery
}

// page is an error that must not be redirected.
func page(status int, code, description string) *Error {
	return refuse(status, code, description, fault.PolicyRefused)
}

// answerTo adds parameters to a validated redirect URI, in the order given.
func answerTo(redirect string, params ...string) string {
	var b strings.Builder
	b.WriteString(redirect)
	sep := byte('?')
	if strings.Contains(redirect, "?") {
		sep = '&'
	}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] == "" {
			continue
		}
		b.WriteByte(sep)
		b.WriteString(params[i] + "=" + strings.ReplaceAll(url.QueryEscape(params[i+1]), "+", "%20"))
		sep = '&'
	}
	return b.String()
}

// Destination is the validated redirect URI at which an authorization request with
// these parameters ends, "" if it ends nowhere. Pages whose forms may lead there must
// let the redirect through.
func (s *Server) Destination(ctx context.Context, params url.Values) string {
	c, err := s.cfg.Store.ClientByCID(ctx, params.Get("client_id"))
	if err != nil || !c.may("authorization_code") {
		return ""
	}
	to, err := resolveRedirect(c, params.Get("redirect_uri"), params.Has("redirect_uri"))
	if err != nil {
		return ""
	}
	return to
}
