package proxy

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

// Case is a request that somebody asks about: explain, or a test of the
// configuration. Nothing is looked up for it.
type Case struct {
	At        time.Time
	Method    string
	Target    string // below the context path
	From      netip.Addr
	Header    http.Header // Referer, Origin, Sec-Fetch-Site; nil is none
	Length    int64       // bytes of the body, -1 if unknown
	Principal Principal   // who calls; the zero value is nobody
	// Refused is what the credential was refused for before the policy was asked
	// (token_unknown, login_failed …); nil if it was not.
	Refused *fault.Fault
}

// Check is one line of an explanation.
type Check struct {
	Name    string // target, credential, path, expiry, address, method, referrer, scope, policy …
	OK      bool
	Words   string       // what was found, for the operator
	Reason  fault.Reason // of a failed check
	Decided bool         // this one is told to the caller
}

// Explanation is what the policy makes of a case, check by check.
type Explanation struct {
	Allowed   bool
	Told      *fault.Fault // nil if allowed
	Route     string       // id, "default", "d2gate", "" if the target was refused
	Line      int          // of the route in the file, 0 if unknown
	Canonical string       // path of d2gate's own, "" otherwise
	Checks    []Check      // all of them, whether or not an earlier one failed
	Compat    []string
	Fixes     []string // what would have to change for it to be allowed
	Verdict   Verdict
}

// Explain decides a case by the evaluator that decides requests.
func (p *Policy) Explain(c Case) Explanation {
	if c.Header == nil {
		c.Header = http.Header{}
	}
	if c.Principal.Kind == "" {
		c.Principal.Kind = NoCredential
	}
	e := Explanation{}
	if !knownMethod(c.Method) {
		return e.fail("method", fault.New(fault.MethodRefused, ""), "only HEAD, GET, POST, PUT, PATCH, DELETE and OPTIONS pass")
	}
	t, err := ParseTarget(p.Site.ContextPath+c.Target, p.Site)
	if err != nil {
		f := fault.From(err)
		return e.fail("target", f, f.Detail)
	}
	e.pass("target", "reads in one way only")
	var o ownership
	e.Canonical, o = owner(&t)
	q := Question{
		At: c.At, Method: c.Method, Target: &t, Client: c.From.Unmap(), Header: c.Header, Length: c.Length,
		Kind: c.Principal.Kind, Constraints: c.Principal.Constraints, Owned: o == gatewayOwned,
	}
	if route := p.Match(c.Method, &t); o == upstreamOwned && route.open {
		q.Kind, q.Constraints, c.Refused = NoCredential, nil, nil
	}
	if c.Refused != nil {
		q.Kind, q.Constraints = "", nil
	}
	e.credential(&c, &q)
	if o == neverForwarded {
		e.Route = "d2gate"
		return e.fail("path", refused(lookAlike), lookAlike)
	}
	e.Verdict = p.Evaluate(q)
	e.Compat = e.Verdict.Compat
	if e.Told == nil {
		e.Told = e.Verdict.Told()
	}
	e.policy(&q)
	e.constraints(&q)
	return e.finish()
}

const lookAlike = "the path could be read as one of d2gate's own, and is never forwarded"

func (e *Explanation) pass(name, words string) {
	e.Checks = append(e.Checks, Check{Name: name, OK: true, Words: words})
}

// fault adds a failed check. The first one is told, unless it was said before
// which one is.
func (e *Explanation) fault(name string, f *fault.Fault, words string) {
	if e.Told == nil {
		e.Told = f
	}
	e.Checks = append(e.Checks, Check{Name: name, Words: words, Reason: f.Reason, Decided: e.Told == f})
}

func (e *Explanation) fail(name string, f *fault.Fault, words string) Explanation {
	e.fault(name, f, words)
	return e.finish()
}

func (e *Explanation) finish() Explanation {
	e.Allowed = e.Told == nil
	return *e
}

// credential says whether it was known and taken.
func (e *Explanation) credential(c *Case, q *Question) {
	switch {
	case c.Refused != nil:
		e.fault("credential", c.Refused, c.Refused.Message)
		e.Fixes = append(e.Fixes, fixFor(c.Refused, q, nil))
	case q.Owned && q.Kind == NoCredential && q.Target.DHIS2.API: // the others have public pages among them
		e.fault("credential", fault.New(fault.CredentialMissing, ""), "d2gate's own pages need one")
		e.Fixes = append(e.Fixes, fixFor(e.Told, q, nil))
	case q.Kind == NoCredential:
		e.pass("credential", "none")
	case c.Principal.Username == "":
		e.pass("credential", string(q.Kind))
	default:
		e.pass("credential", string(q.Kind)+" of "+c.Principal.Username)
	}
}

// policy says which route decided and what of it failed or would have.
func (e *Explanation) policy(q *Question) {
	r := e.Verdict.Route
	if r == nil {
		e.Route = "d2gate"
		e.pass("policy", "one of d2gate's own paths, not subject to routes")
		return
	}
	e.Route, e.Line = r.ID, r.Line
	where := "matches " + strconv.Quote(r.ID)
	if r.Line > 0 {
		where += ", line " + strconv.Itoa(r.Line)
	}
	for _, f := range e.Verdict.Reported {
		e.pass("policy", where+" → would refuse ("+string(f.Reason)+": "+wordsOf(f)+"), but only reports")
	}
	ok := true
	for _, f := range e.Verdict.Failed {
		if !isConstraint(f.Reason) {
			ok = false
			e.fault("policy", f, where+" → "+wordsOf(f))
			e.Fixes = append(e.Fixes, fixFor(f, q, e.Verdict.Route))
		}
	}
	if ok && len(e.Verdict.Reported) == 0 {
		e.pass("policy", where+" → allow")
	}
}

// constraints says of each kind of limit whether there is one and whether it holds.
func (e *Explanation) constraints(q *Question) {
	if q.Constraints == nil {
		return
	}
	for _, k := range limitKinds {
		failed := false
		for _, f := range e.Verdict.Failed {
			if f.Reason == k.reason {
				failed = true
				e.fault(k.name, f, k.words(q, f))
				e.Fixes = append(e.Fixes, fixFor(f, q, e.Verdict.Route))
				break
			}
		}
		if !failed {
			e.pass(k.name, k.words(q, nil))
		}
	}
}

func wordsOf(f *fault.Fault) string {
	if f.Detail != "" {
		return f.Detail
	}
	return f.Message
}

func isConstraint(r fault.Reason) bool {
	for _, k := range limitKinds {
		if k.reason == r {
			return true
		}
	}
	return false
}

func limited(s *constraints.Set, kind constraints.Kind) (values []string) {
	for i := range s.Attributes {
		if s.Attributes[i].Kind == kind {
			values = append(values, s.Attributes[i].Values...)
		}
	}
	return values
}
