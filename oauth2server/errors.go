package oauth2server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/d2gate/d2gate/internal/fault"
)

// Error is an OAuth2 error: RFC 6749 5.2 at the token endpoint, 4.1.2.1 in a
// redirect. It unwraps to the fault under which it is recorded.
type Error struct {
	Status      int
	Code        string // "invalid_grant"
	Description string // told to the caller
	Challenge   string // WWW-Authenticate, "" for none
	Scope       string // of invalid_scope: what would be valid
	fault       *fault.Fault
}

// Error is the operator's text.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Unwrap returns the fault under which the error is recorded.
func (e *Error) Unwrap() error { return e.fault }

func refuse(status int, code, description string, reason fault.Reason) *Error {
	return &Error{Status: status, Code: code, Description: description, fault: fault.New(reason, description)}
}

func invalidRequest(description string) *Error {
	return refuse(http.StatusBadRequest, "invalid_request", description, fault.RequestMalformed)
}

func invalidGrant(description string, reason fault.Reason) *Error {
	return refuse(http.StatusBadRequest, "invalid_grant", description, reason)
}

func unauthorizedClient(description string) *Error {
	return refuse(http.StatusBadRequest, "unauthorized_client", description, fault.PolicyRefused)
}

func unsupportedGrant(description string) *Error {
	return refuse(http.StatusBadRequest, "unsupported_grant_type", description, fault.PolicyRefused)
}

func invalidScope() *Error {
	e := refuse(http.StatusBadRequest, "invalid_scope", "Invalid scope", fault.PolicyRefused)
	e.Scope = scopeAll
	return e
}

// invalidClient challenges with Basic, as RFC 6749 5.2 wants where the client
// tried that, and harms nowhere else.
func invalidClient(description string) *Error {
	e := refuse(http.StatusUnauthorized, "invalid_client", description, fault.LoginFailed)
	e.Challenge = `Basic realm="oauth2/client"`
	return e
}

// fromFault turns a refusal of the sign-in or the store into an OAuth2 error with
// the same words. A wrong password is DHIS2 2.41's "Bad credentials".
func fromFault(err error) error {
	f := fault.From(err)
	if f == nil {
		return err
	}
	e := &Error{Status: f.Reason.Status(false), Description: f.Message, fault: f}
	switch f.Reason {
	case fault.LoginFailed:
		e.Status, e.Code, e.Description = http.StatusBadRequest, "invalid_grant", legacyWords(f.Message)
	case fault.TokenOwnerDisabled:
		e.Status, e.Code, e.Description = http.StatusBadRequest, "invalid_grant", "User is disabled"
	default:
		e.Code = "temporarily_unavailable"
	}
	return e
}

// legacyWords says DHIS2's refusal of a sign-in as its token endpoint did.
func legacyWords(message string) string {
	switch message {
	case "Account disabled":
		return "User is disabled"
	case "Account locked":
		return "User is temporarily locked"
	}
	return "Bad credentials"
}

// Render writes the error as the token endpoint does. Errors that a page shows
// are written by Sessions.Problem.
func (e *Error) Render(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if e.Challenge != "" {
		h.Set("WWW-Authenticate", e.Challenge)
	}
	if e.fault != nil && e.fault.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.fault.RetryAfter+999_999_999)/1_000_000_000)))
	}
	writeJSON(w, r, e.Status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
		Scope       string `json:"scope,omitempty"`
	}{e.Code, e.Description, e.Scope})
}

// writeJSON answers with JSON that nothing may keep (RFC 6749 5.1).
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the caller has gone; there is nobody to tell
}

// asError returns the OAuth2 error in err's chain, or nil.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return nil
}
