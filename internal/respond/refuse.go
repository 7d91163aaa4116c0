package respond

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
)

// Options is what a refusal needs to know beside the fault.
type Options struct {
	Strict    bool   // constraint_failure: strict, a failed constraint is 403
	RequestID string // told to the caller, "" if there is none
	PublicURL string // server.public_url with the context path, no trailing slash; "" gives a relative help address
}

// HelpPath is where the help pages of the reasons are.
const HelpPath = "/d2gate/help/"

// Refuse writes a refusal (design 8): DHIS2's WebMessage and the object gateway,
// or the body of RFC 6749 for a refused bearer. It never writes f's detail.
func Refuse(w http.ResponseWriter, r *http.Request, f *fault.Fault, o Options) {
	status := f.Reason.Status(o.Strict)
	gateway := &dhis2.Gateway{
		Reason:    string(f.Reason),
		RequestID: o.RequestID,
		Help:      o.PublicURL + HelpPath + string(f.Reason),
	}
	h := w.Header()
	h.Set("X-Gateway-Reason", string(f.Reason))
	h.Set("Cache-Control", "no-cache, private")
	if o.RequestID != "" {
		h.Set("X-Request-Id", o.RequestID)
	}
	if s := retryAfter(status, f.RetryAfter); s > 0 {
		h.Set("Retry-After", strconv.FormatInt(s, 10))
	}
	if f.Reason == fault.MethodRefused {
		h.Set("Allow", "HEAD, GET, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	message := f.Message
	if message == "" {
		message = f.Reason.Message()
	}
	challenge(h, f, message)
	if f.Scheme == fault.Bearer && f.Reason.Code() != "" {
		refuseBearer(w, r, status, f.Reason.Code(), message, gateway)
		return
	}
	m := dhis2.Error(status, message, "")
	m.Gateway = gateway
	Message(w, r, m)
}

// bearerRefusal is the body of RFC 6749 5.2 with the one object that d2gate adds.
type bearerRefusal struct {
	Error       string         `json:"error"`
	Description string         `json:"error_description"`
	Gateway     *dhis2.Gateway `json:"gateway"`
}

func refuseBearer(w http.ResponseWriter, r *http.Request, status int, code, message string, g *dhis2.Gateway) {
	body, err := dhis2.EncodeJSON(bearerRefusal{code, message, g})
	if err != nil { // three strings always print
		body = []byte(`{"error":"` + code + `"}`)
	}
	write(w, r, status, typeJSON, body)
}

// challenge sets WWW-Authenticate by the scheme of the refused credential:
// ApiToken without parameters as in DHIS2, Bearer with those of RFC 6750 3.
func challenge(h http.Header, f *fault.Fault, message string) {
	switch f.Scheme {
	case fault.ApiToken:
		h.Set("WWW-Authenticate", "ApiToken")
	case fault.Bearer:
		v := "Bearer"
		if code := f.Reason.Code(); code != "" {
			v += ` error="` + code + `", error_description="` + quotable(message) + `"`
		}
		h.Set("WWW-Authenticate", v)
	}
}

// quotable keeps of s what RFC 6750 3 allows in error_description: printable
// ASCII without the quote and the backslash.
func quotable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"' || c == '\\':
			return '\''
		case c < 0x20 || c > 0x7e:
			return -1
		}
		return c
	}, s)
}

// retryAfter is the header's value in seconds, rounded up, 0 for none. Every 429
// and 503 has one.
func retryAfter(status int, d time.Duration) int64 {
	if s := int64((d + time.Second - 1) / time.Second); s > 0 {
		return s
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return 1
	}
	return 0
}
