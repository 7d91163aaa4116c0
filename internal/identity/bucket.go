package identity

import (
	"math"
	"time"
)

// Rule limits wrong passwords. The zero Burst means Events.
type Rule struct {
	Per    string        // "username" or "client_ip"
	Events int           // wrong passwords in Window
	Window time.Duration //
	Burst  int           // wrong passwords in a row before the rule bites
}

// dhis2LocksAt is how many wrong passwords lock an account of DHIS2 for 15
// minutes, counted from the last of them (DHIS2 UserConstants, contract 3.3).
const dhis2LocksAt = 4

// strict reports whether the rule promises that DHIS2's lock-out is not reached.
// It then counts as DHIS2 does: wrong passwords that lie less than a window apart
// add up, and all are forgiven a window after the last. Other rules are a bucket
// that refills evenly.
func (r Rule) strict() bool { return r.Per == "username" && r.Burst < dhis2LocksAt }

// bucket counts wrong passwords of one account or address under one rule.
type bucket struct {
	used     float64       // wrong passwords not yet forgiven
	at       time.Time     // of used
	inFlight int           // attempts whose end is not known; each could be wrong
	wake     chan struct{} // closed when an attempt ends; nil if nobody waits
}

// forgive brings used up to now.
func (b *bucket) forgive(r Rule, now time.Time) {
	passed := now.Sub(b.at)
	switch {
	case passed <= 0 || b.used == 0:
		return
	case r.strict():
		if passed >= r.Window {
			b.used, b.at = 0, now
		}
	default:
		b.used = math.Max(0, b.used-passed.Seconds()*r.perSecond())
		b.at = now
	}
}

func (r Rule) perSecond() float64 { return float64(r.Events) / r.Window.Seconds() }

// free reports whether one more attempt is within the budget, counting those in
// flight as wrong; spent reports whether the budget is used up without them.
func (b *bucket) free(r Rule) bool  { return b.used+float64(b.inFlight)+1 <= float64(r.Burst) }
func (b *bucket) spent(r Rule) bool { return b.used+1 > float64(r.Burst) }

// wait is how long until the rule lets an attempt through again.
func (b *bucket) wait(r Rule, now time.Time) time.Duration {
	if r.strict() {
		return r.Window - now.Sub(b.at)
	}
	over := b.used + 1 - float64(r.Burst)
	return time.Duration(over / r.perSecond() * float64(time.Second))
}

// fail adds a wrong password.
func (b *bucket) fail(r Rule, now time.Time) {
	b.forgive(r, now)
	b.used++
	b.at = now
}
