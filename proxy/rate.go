package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/fault"
)

// bucketsPerRule bounds the memory of one rule, about 200 bytes a bucket. Beyond
// it the bucket that was idle for longest starts anew, full.
const bucketsPerRule = 65536

// badTokens is the name of the rate that counts token_unknown (design 10).
const badTokens = "bad_token"

// rates are the rates of one configuration; a reload makes new ones.
type rates struct {
	byName map[string][]*rule
	busy   busy // of routes
}

// rule is one entry of a rate. The rate login is kept by identity, not here.
type rule struct {
	per         []string
	limit       rate.Limit
	burst       int
	concurrency int
	buckets     *lru.Cache[caller, *rate.Limiter]
	busy        busy
}

// caller is whom a bucket is for.
type caller struct{ per, value string }

// who is what a request can be counted by.
type who struct {
	token    string
	username string
	client   netip.Addr
	route    string
}

func newRates(named map[string][]config.Rate) (*rates, error) {
	r := &rates{byName: make(map[string][]*rule, len(named))}
	for name, list := range named {
		if name == "login" {
			continue
		}
		for i := range list {
			one, err := newRule(&list[i])
			if err != nil {
				return nil, fmt.Errorf("rate %q: %w", name, err)
			}
			r.byName[name] = append(r.byName[name], one)
		}
	}
	return r, nil
}

func newRule(c *config.Rate) (*rule, error) {
	r := &rule{per: c.Per, burst: c.Burst, concurrency: c.Concurrency, limit: rate.Inf}
	if c.Events > 0 {
		if c.Window <= 0 {
			return nil, errors.New("a rate needs a window")
		}
		r.limit = rate.Limit(float64(c.Events) / c.Window.Seconds())
		if r.burst == 0 {
			r.burst = c.Events
		}
	}
	buckets, err := lru.New[caller, *rate.Limiter](bucketsPerRule)
	r.buckets = buckets
	return r, err
}

// take counts a request against the named rate. When a bucket is empty nothing is
// counted, and the fault tells when the next request will pass. done, not nil
// where the rate limits concurrency, must be called when the request is over.
func (r *rates) take(name string, w *who, now time.Time) (done func(), err error) {
	rules := r.byName[name]
	if len(rules) == 0 {
		return nil, nil
	}
	var taken []*rate.Reservation
	var held []func()
	undo := func() {
		for _, t := range taken {
			t.CancelAt(now)
		}
		release(held)
	}
	for _, one := range rules {
		for _, per := range one.per {
			key := w.caller(per)
			if !one.busy.enter(key, one.concurrency, &held) {
				undo()
				return nil, tooMany(time.Second, "requests at a time per "+per)
			}
			if one.limit == rate.Inf {
				continue
			}
			t := one.bucket(key).ReserveN(now, 1)
			taken = append(taken, t)
			if wait := t.DelayFrom(now); wait > 0 {
				undo()
				return nil, tooMany(wait, "rate per "+per)
			}
		}
	}
	if len(held) == 0 {
		return nil, nil
	}
	return func() { release(held) }, nil
}

func release(held []func()) {
	for _, f := range held {
		f()
	}
}

// tooMany is rate_limited with an exact Retry-After.
func tooMany(wait time.Duration, detail string) error {
	if wait == rate.InfDuration {
		wait = time.Minute
	}
	return fault.New(fault.RateLimited, "").WithDetail(detail).WithRetryAfter(wait)
}

func (r *rule) bucket(key caller) *rate.Limiter {
	if b, ok := r.buckets.Get(key); ok {
		return b
	}
	fresh := rate.NewLimiter(r.limit, r.burst)
	if b, ok, _ := r.buckets.PeekOrAdd(key, fresh); ok {
		return b
	}
	return fresh
}

// caller names the bucket. Who has no token counts by user name, who has none of
// either by address, so that no caller is uncounted.
func (w *who) caller(per string) caller {
	switch {
	case per == "route":
		return caller{"route", w.route}
	case per == "token" && w.token != "":
		return caller{"token", w.token}
	case per != "client_ip" && w.username != "":
		return caller{"username", w.username}
	}
	return caller{"client_ip", w.client.String()}
}

// busy counts what is under way. A key without requests takes no memory.
type busy struct {
	mu    sync.Mutex
	count map[caller]int
}

// enter counts key in, unless limit (0 means none) are in already; the matching
// exit is appended to held.
func (b *busy) enter(key caller, limit int, held *[]func()) bool {
	if limit <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count[key] >= limit {
		return false
	}
	if b.count == nil {
		b.count = make(map[caller]int)
	}
	b.count[key]++
	*held = append(*held, func() { b.exit(key) })
	return true
}

func (b *busy) exit(key caller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count[key]--; b.count[key] <= 0 {
		delete(b.count, key)
	}
}

// admit counts a request against its route: its concurrency, then its rate.
func (r *rates) admit(route *Route, w *who, now time.Time) (done func(), err error) {
	if route.concurrency <= 0 && route.rate == "" {
		return nil, nil
	}
	var held []func()
	if !r.busy.enter(caller{"route", route.ID}, route.concurrency, &held) {
		return nil, tooMany(time.Second, "requests at a time of the route")
	}
	rated, err := r.take(route.rate, w, now)
	if err != nil {
		release(held)
		return nil, err
	}
	if rated != nil {
		held = append(held, rated)
	}
	if len(held) == 0 {
		return nil, nil
	}
	return func() { release(held) }, nil
}
