package main

import (
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/fault"
)

// explanation is what explain answers.
type explanation struct {
	RequestID string       `json:"requestId,omitempty"`
	Method    string       `json:"method"`
	Path      string       `json:"path"`
	From      string       `json:"from,omitempty"`
	Token     *tokenView   `json:"token,omitempty"`
	User      string       `json:"user,omitempty"`
	Kind      string       `json:"credential"`
	Route     string       `json:"route"`
	Decision  string       `json:"decision"` // allow or refuse
	Reason    fault.Reason `json:"reason,omitempty"`
	Status    int          `json:"status,omitempty"` // that the caller is told when refused
	Message   string       `json:"message,omitempty"`
	Steps     []step       `json:"steps"`
	Compat    []string     `json:"compat,omitempty"`
	Fixes     []string     `json:"fixes,omitempty"`
	Note      string       `json:"note,omitempty"`
	Command   string       `json:"command,omitempty"`
	Recorded  *recorded    `json:"recorded,omitempty"` // of a request that was made

	file   string // configuration, for the place of a route
	strict bool
}

// step is one check.
type step struct {
	Name    string       `json:"name"`
	OK      bool         `json:"ok"`
	Detail  string       `json:"detail,omitempty"`
	Reason  fault.Reason `json:"reason,omitempty"`
	Decided bool         `json:"decided,omitempty"` // the one that the caller is told
}

// recorded is what the gateway did with a request.
type recorded struct {
	Time           time.Time    `json:"time"`
	Decision       string       `json:"decision"`
	Reason         fault.Reason `json:"reason,omitempty"`
	Failed         []string     `json:"failed,omitempty"`
	UpstreamStatus int          `json:"upstreamStatus,omitempty"`
	DurationMs     float64      `json:"durationMs"`
}

// refuse notes what the caller is told.
func (x *explanation) refuse(f *fault.Fault) {
	x.Decision, x.Reason, x.Message, x.Status = "refuse", f.Reason, f.Message, f.Reason.Status(x.strict)
}

// made puts what was recorded of a request in front of what the policy says now:
// it may have changed since, and rates, DHIS2 and the log have a say of their own.
func (x *explanation) made(e audit.Event) {
	now := x.Decision
	x.RequestID, x.Method, x.Path = e.RequestID, e.Method, e.Path
	x.Recorded = &recorded{
		Time: e.Time, Decision: e.Decision, Reason: fault.Reason(e.Reason), Failed: e.Failed, UpstreamStatus: e.UpstreamStatus,
		DurationMs: float64(e.Duration) / float64(time.Millisecond),
	}
	if x.User == "" {
		x.User = e.User
	}
	if e.Decision == "allow" {
		if now == "refuse" {
			x.Note = "It was allowed then; today it would be refused."
		}
		x.Decision, x.Reason, x.Status, x.Message = "allow", "", 0, ""
		return
	}
	f := fault.New(fault.Reason(e.Reason), "")
	if x.Reason != f.Reason {
		for i := range x.Steps {
			x.Steps[i].Decided = false
		}
		x.Steps = append(x.Steps, step{Name: laterName(f.Reason), Detail: f.Message, Reason: f.Reason, Decided: true})
		_, todo := f.Reason.Help()
		x.Fixes = unique(append(x.Fixes, todo))
	}
	x.refuse(f)
}

// laterName is the part that refused what the policy alone would not.
func laterName(r fault.Reason) string {
	switch r {
	case fault.RateLimited:
		return "rate"
	case fault.UpstreamTimeout, fault.UpstreamUnreachable, fault.UpstreamRefusedIdentity:
		return "upstream"
	case fault.AuditUnavailable:
		return "audit"
	case fault.StoreUnavailable:
		return "store"
	case fault.Overloaded:
		return "load"
	case fault.TokenChecksum, fault.TokenMalformed, fault.TokenUnknown, fault.LoginFailed, fault.LoginThrottled, fault.TokenOwnerDisabled:
		return "credential"
	}
	return "request"
}

// command is the edit of the token that would let the request pass, where one
// would.
func (x *explanation) command() {
	if x.Token == nil {
		return
	}
	var flags []string
	for _, s := range x.Steps {
		if s.OK {
			continue
		}
		switch s.Reason {
		case fault.ConstraintMethod:
			flags = append(flags, "--add-method "+x.Method)
		case fault.ConstraintAddress:
			flags = append(flags, "--add-address "+x.From)
		case fault.TokenExpired:
			flags = append(flags, "--expires 30d")
		default:
			return // an edit of the token alone does not help
		}
	}
	if len(flags) > 0 {
		x.Command = "d2gate token edit " + x.Token.UID + " " + strings.Join(flags, " ")
	}
}
