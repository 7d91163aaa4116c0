package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/d2gate/d2gate/internal/fault"
)

// ThrottleConfig says how many wrong passwords are borne.
type ThrottleConfig struct {
	Rules   []Rule           // none means no limit
	Entries int              // accounts and addresses remembered for each rule; 0 means 100,000
	Now     func() time.Time // nil means time.Now
}

// Throttle stops guessing before DHIS2 is asked. Only wrong passwords count, but
// an attempt under way holds a place in the budget, so that guesses in parallel
// are no more than guesses in a row; an attempt that finds the budget taken by
// others under way waits for one of them to end. It touches neither tokens nor
// live sessions and ends by itself.
type Throttle struct {
	now     func() time.Time
	entries int

	mu      sync.Mutex
	rules   []*ruleState
	waiting int
}

// ruleState is one rule and its buckets. Buckets with attempts in flight cannot be
// pushed out; the others are the least recently used first.
type ruleState struct {
	Rule
	active map[bucketKey]*bucket
	idle   *simplelru.LRU[bucketKey, *bucket]
}

// bucketKey is a hash, so that a table's memory is bounded by its entries.
type bucketKey [16]byte

// Waiting is bounded in number and time: who waits longer than maxWait for other
// attempts to end is refused and told to come back after retrySoon.
const (
	maxWaiting = 1024
	maxWait    = 10 * time.Second
	retrySoon  = time.Second
)

// NewThrottle makes a throttle. An error says which rule is wrong.
func NewThrottle(cfg ThrottleConfig) (*Throttle, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 100_000
	}
	t := &Throttle{now: cfg.Now, entries: cfg.Entries}
	return t, t.SetRules(cfg.Rules)
}

// SetRules changes the rules, at reload. Counts are kept where a rule stays.
func (t *Throttle) SetRules(rules []Rule) error {
	fresh := make([]*ruleState, 0, len(rules))
	for _, r := range rules {
		if r.Burst == 0 {
			r.Burst = r.Events
		}
		if r.Per != "username" && r.Per != "client_ip" || r.Events <= 0 || r.Window <= 0 || r.Burst <= 0 {
			return fmt.Errorf("identity: rule %+v: per, events and window are required", r)
		}
		idle, err := simplelru.NewLRU[bucketKey, *bucket](t.entries, nil)
		if err != nil {
			return fmt.Errorf("make throttle: %w", err)
		}
		fresh = append(fresh, &ruleState{r, map[bucketKey]*bucket{}, idle})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range fresh {
		for _, old := range t.rules {
			if old.Rule == f.Rule {
				fresh[i] = old
			}
		}
	}
	t.rules = fresh
	return nil
}

// attempt is a place in the budget of every rule. End it exactly once.
type attempt struct {
	t     *Throttle
	rules []*ruleState
	keys  []bucketKey
}

// errBusy says that attempts under way hold the rest of the budget.
var errBusy = errors.New("budget held by attempts under way")

// begin takes a place for one attempt. Errors: login_throttled, or ctx's.
func (t *Throttle) begin(ctx context.Context, username string, client netip.Addr) (*attempt, error) {
	name, addr := nameKey(username), addrKey(client)
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	for {
		a, wake, err := t.try(name, addr)
		if !errors.Is(err, errBusy) {
			return a, err
		}
		select {
		case <-wake:
			t.stopWaiting()
		case <-timeout.C:
			t.stopWaiting()
			return nil, throttled(retrySoon)
		case <-ctx.Done():
			t.stopWaiting()
			return nil, ctx.Err()
		}
	}
}

// try takes a place in every rule or in none. With errBusy the caller waits for
// wake and then calls stopWaiting.
func (t *Throttle) try(name, addr bucketKey) (_ *attempt, wake <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := &attempt{t, t.rules, make([]bucketKey, len(t.rules))}
	now := t.now()
	for i, r := range a.rules {
		a.keys[i] = name
		if r.Per == "client_ip" {
			a.keys[i] = addr
		}
		b := r.find(a.keys[i])
		if b == nil {
			continue
		}
		b.forgive(r.Rule, now)
		switch {
		case b.free(r.Rule):
		case b.spent(r.Rule):
			return nil, nil, throttled(b.wait(r.Rule, now))
		case t.waiting >= maxWaiting:
			return nil, nil, throttled(retrySoon)
		default:
			if b.wake == nil {
				b.wake = make(chan struct{})
			}
			t.waiting++
			return nil, b.wake, errBusy
		}
	}
	for i, r := range a.rules {
		r.take(a.keys[i]).inFlight++
	}
	return a, nil, nil
}

// Size is how many accounts and addresses are remembered, for metrics. It stays
// within Entries for each rule and the attempts in flight.
func (t *Throttle) Size() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		n += len(r.active) + r.idle.Len()
	}
	return n
}

func (t *Throttle) stopWaiting() {
	t.mu.Lock()
	t.waiting--
	t.mu.Unlock()
}

func throttled(wait time.Duration) error {
	return fault.New(fault.LoginThrottled, "").WithRetryAfter(max(wait, time.Millisecond))
}

// end gives the place back; wrong says that DHIS2 called the password wrong.
func (a *attempt) end(wrong bool) {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	now := a.t.now()
	for i, r := range a.rules {
		b := r.active[a.keys[i]]
		b.inFlight--
		if wrong {
			b.fail(r.Rule, now)
		}
		if b.wake != nil {
			close(b.wake)
			b.wake = nil
		}
		if b.inFlight == 0 {
			r.put(a.keys[i], b)
		}
	}
}

// count adds a wrong password that held no place (see Basic.known).
func (t *Throttle) count(username string, client netip.Addr) {
	name, addr := nameKey(username), addrKey(client)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, r := range t.rules {
		key := name
		if r.Per == "client_ip" {
			key = addr
		}
		b := r.take(key)
		b.fail(r.Rule, now)
		if b.inFlight == 0 {
			r.put(key, b)
		}
	}
}

func (r *ruleState) find(k bucketKey) *bucket {
	if b := r.active[k]; b != nil {
		return b
	}
	b, _ := r.idle.Get(k)
	return b
}

// take makes k's bucket active.
func (r *ruleState) take(k bucketKey) *bucket {
	b := r.find(k)
	if b == nil {
		b = &bucket{}
	}
	r.idle.Remove(k)
	r.active[k] = b
	return b
}

// put lets k's bucket rest; one without wrong passwords is not kept.
func (r *ruleState) put(k bucketKey, b *bucket) {
	delete(r.active, k)
	if b.used > 0 {
		r.idle.Add(k, b)
	}
}

func nameKey(username string) bucketKey { return hash16([]byte(canonicalName(username))) }

// addrKey is the address, or the /64 of an IPv6 address, which is what one
// customer gets. An unknown address is an address too.
func addrKey(a netip.Addr) bucketKey {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	text, _ := a.MarshalBinary()
	return hash16(text)
}

func hash16(b []byte) bucketKey {
	sum := sha256.Sum256(b)
	return bucketKey(sum[:16])
}
