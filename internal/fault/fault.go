// Package fault is the vocabulary of refusal: every way in which d2gate says no,
// with its status and its words. It decides nothing and writes nothing; respond
// renders a fault, proxy records it. Read reasons.go first: it is the one table.
package fault

import (
	"errors"
	"time"
)

// Scheme is the authentication scheme that a refusal challenges with.
type Scheme string

// The schemes of the WWW-Authenticate header that d2gate sends.
const (
	NoScheme Scheme = ""
	ApiToken Scheme = "ApiToken"
	Bearer   Scheme = "Bearer"
)

// Fault is one refusal. The caller reads Message, the operator Detail and the
// wrapped error, the program Reason.
type Fault struct {
	Reason     Reason
	Message    string        // told to the caller; empty means the reason's own message
	Detail     string        // told to the operator only, in log and explain
	Scheme     Scheme        // challenge of the credential that was refused
	RetryAfter time.Duration // rounded up to seconds on the wire; 0 means no header
	cause      error
}

// New makes a fault. An empty message means the reason's own.
func New(r Reason, message string) *Fault {
	if message == "" {
		message = r.Message()
	}
	return &Fault{Reason: r, Message: message}
}

// Wrap makes a fault of an operator's error; the caller never sees err.
func Wrap(r Reason, err error) *Fault {
	f := New(r, "")
	f.cause = err
	return f
}

// Error is the operator's text.
func (f *Fault) Error() string {
	s := string(f.Reason) + ": " + f.Message
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	if f.cause != nil {
		s += ": " + f.cause.Error()
	}
	return s
}

// Unwrap returns the operator's error, nil if there is none.
func (f *Fault) Unwrap() error { return f.cause }

// Is makes errors.Is compare reasons, so that a copy with a detail still matches
// its sentinel.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Reason == f.Reason
}

// WithDetail returns a copy with what the operator should know.
func (f *Fault) WithDetail(detail string) *Fault {
	c := *f
	c.Detail = detail
	return &c
}

// WithScheme returns a copy that challenges with s.
func (f *Fault) WithScheme(s Scheme) *Fault {
	c := *f
	c.Scheme = s
	return &c
}

// WithMessage returns a copy with other words for the caller.
func (f *Fault) WithMessage(message string) *Fault {
	c := *f
	c.Message = message
	return &c
}

// WithRetryAfter returns a copy that tells the caller when to come back.
func (f *Fault) WithRetryAfter(d time.Duration) *Fault {
	c := *f
	c.RetryAfter = d
	return &c
}

// From returns the fault in err's chain, or nil.
func From(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return nil
}
