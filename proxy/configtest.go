package proxy

import (
	"fmt"
	"net/http"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
)

// TestFailure is an entry of tests: that got another decision than it expects.
type TestFailure struct {
	Test        config.Test
	Got         string // "allow" or a reason
	Explanation Explanation
	Err         error // the entry itself cannot be read
}

// RunTests decides the configuration's tests: by the evaluator that decides
// requests, and returns those that fail.
func (p *Policy) RunTests(tests []config.Test, now time.Time) []TestFailure {
	var failures []TestFailure
	for _, t := range tests {
		c, err := testCase(t, now)
		if err != nil {
			failures = append(failures, TestFailure{Test: t, Err: err})
			continue
		}
		e := p.Explain(c)
		got := "allow"
		if e.Told != nil {
			got = string(e.Told.Reason)
		}
		if got != t.Expect {
			failures = append(failures, TestFailure{Test: t, Got: got, Explanation: e})
		}
	}
	return failures
}

func testCase(t config.Test, now time.Time) (Case, error) {
	g := t.Given
	c := Case{At: now, Method: t.Method, Target: t.Target, From: g.From, Header: http.Header{}}
	if g.Referrer != "" {
		c.Header.Set("Referer", g.Referrer)
	}
	if g.Origin != "" {
		c.Header.Set("Origin", g.Origin)
	}
	c.Principal = Principal{Kind: CredentialKind(g.Credential), Username: g.User}
	switch c.Principal.Kind {
	case "", NoCredential:
		c.Principal.Kind = NoCredential
		return c, nil
	case PATCredential, OAuth2Credential, BasicCredential, SessionCredential:
	default:
		return c, fmt.Errorf("unknown credential kind %q", g.Credential)
	}
	set := constraints.Set{}
	if g.Expired {
		set.Expiry = now
	}
	for _, a := range []struct {
		kind   constraints.Kind
		values []string
	}{
		{constraints.IPAllowedList, g.Addresses},
		{constraints.MethodAllowedList, g.Methods},
		{constraints.RefererAllowedList, g.Referrers},
		{constraints.ScopeAllowedList, g.Scopes},
	} {
		if len(a.values) == 0 {
			continue
		}
		attribute, err := constraints.ParseAttribute(a.kind, a.values)
		if err != nil {
			return c, err
		}
		set.Attributes = append(set.Attributes, attribute)
	}
	c.Principal.Constraints = &set
	return c, nil
}

// String says in one line what went wrong.
func (f TestFailure) String() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %v", f.Test.Name, f.Err)
	}
	return fmt.Sprintf("%s: %s %s: expected %s, got %s", f.Test.Name, f.Test.Method, f.Test.Target, f.Test.Expect, f.Got)
}
