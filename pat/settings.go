package pat

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
)

// Settings are the operator's rules for tokens (configuration key tokens).
type Settings struct {
	Mint          string        // d2pat or d2p; "" means d2pat
	DefaultExpiry time.Duration // of a token that is made without expiry; 0 means 30 days
	MaxExpiry     time.Duration // from now, for new and changed expiries; 0 means none
	MaxPerUser    int           // tokens of one owner that are not expired; 0 means none
	Overlap       time.Duration // how long a rotated-out secret lives; 0 means not at all
	// Require names limits that a token must have, by the context that it is for
	// (browser, script). It must have all those of at least one context. The words
	// are addresses, methods, referrers, scopes and expiry.
	Require map[string][]string
}

// DefaultExpiry is DHIS2's (2.44 ApiTokenController: 30 days).
const DefaultExpiry = 30 * 24 * time.Hour

// RuleError is a rule of the operator that a new or changed token would break.
type RuleError struct{ Message string }

// Error is the text for the caller.
func (e *RuleError) Error() string { return e.Message }

// defaultEnd is the expiry of a token that is made without one.
func (s Settings) defaultEnd(now time.Time) time.Time {
	d := orDefault(s.DefaultExpiry, DefaultExpiry)
	if s.MaxExpiry > 0 {
		d = min(d, s.MaxExpiry)
	}
	return now.Add(d)
}

// checkExpiry refuses an end that is later than allowed.
func (s Settings) checkExpiry(end, now time.Time) error {
	if s.MaxExpiry <= 0 || !end.IsZero() && !end.After(now.Add(s.MaxExpiry)) {
		return nil
	}
	return &RuleError{fmt.Sprintf("Tokens may be valid for at most %s here; expire must not be later than %d",
		days(s.MaxExpiry), now.Add(s.MaxExpiry).UnixMilli())}
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

var requirable = map[string]constraints.Kind{
	"addresses": constraints.IPAllowedList,
	"methods":   constraints.MethodAllowedList,
	"referrers": constraints.RefererAllowedList,
	"scopes":    constraints.ScopeAllowedList,
}

// checkRequired refuses a token that lacks the limits of every context.
func (s Settings) checkRequired(set constraints.Set) error {
	if len(s.Require) == 0 {
		return nil
	}
	var contexts []string
	for context, words := range s.Require {
		if !slices.ContainsFunc(words, func(w string) bool { return !has(set, w) }) {
			return nil
		}
		contexts = append(contexts, strings.Join(words, " and ")+" ("+context+")")
	}
	slices.Sort(contexts)
	return &RuleError{"Tokens must be limited here: " + strings.Join(contexts, ", or ")}
}

func has(set constraints.Set, word string) bool {
	if word == "expiry" {
		return !set.Expiry.IsZero()
	}
	return slices.ContainsFunc(set.Attributes, func(a constraints.Attribute) bool {
		return a.Kind == requirable[word] && len(a.Values) > 0
	})
}
