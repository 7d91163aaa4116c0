// Package problem is how the parts of the sandbox refuse: a status and the words
// that DHIS2 would use. It decides nothing and writes nothing; the sandbox's edge
// turns a Problem into a WebMessage.
package problem

import (
	"errors"
	"fmt"
	"net/http"
)

// Problem is one refusal as DHIS2 words it.
type Problem struct {
	Status     int    // HTTP status
	Code       string // errorCode of the WebMessage ("E1005"), "" for none
	Message    string // may be empty
	DevMessage string
}

// Error is Message with its status, for the operator.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Message) }

// New makes a problem of a message.
func New(status int, code, format string, args ...any) *Problem {
	return &Problem{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// NotFound is a 404 of the code E1005 (DHIS2 NotFoundException).
func NotFound(format string, args ...any) *Problem {
	return New(http.StatusNotFound, "E1005", format, args...)
}

// Conflict is a 409 of the code E1004 (DHIS2 ConflictException).
func Conflict(format string, args ...any) *Problem {
	return New(http.StatusConflict, "E1004", format, args...)
}

// Plain409 is a 409 without a code (DHIS2 IllegalStateException, WebMessageException).
func Plain409(format string, args ...any) *Problem {
	return New(http.StatusConflict, "", format, args...)
}

// BadRequest is a 400 without a code (a parameter of the wrong type).
func BadRequest(format string, args ...any) *Problem {
	return New(http.StatusBadRequest, "", format, args...)
}

// Forbidden is a 403 of the code E1006 (DHIS2 ForbiddenException).
func Forbidden(format string, args ...any) *Problem {
	return New(http.StatusForbidden, "E1006", format, args...)
}

// Requires is the 403 of an authority that is missing (Spring AccessDenied).
func Requires(authority string) *Problem {
	return New(http.StatusForbidden, "", "Access is denied, requires one Authority from [%s]", authority)
}

// Page is a refusal by the container: an HTML page with that status, no WebMessage.
type Page struct {
	Status int
	Allow  string // Allow header, "" for none
}

// Error names the status.
func (p *Page) Error() string { return fmt.Sprintf("container page %d", p.Status) }

// From returns the Problem in err's chain, or nil.
func From(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return nil
}
