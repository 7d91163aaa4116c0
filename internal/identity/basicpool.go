package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/d2gate/d2gate/internal/fault"
)

// PoolConfig is the service account of the mode basic.
type PoolConfig struct {
	Server   Server
	Username string           // required
	Password Password         // required
	Sessions int              // signed-in sessions to spread requests over; 0 means 1
	Now      func() time.Time // nil means time.Now
}

// Pool is the mode basic: everything goes upstream as one service account over a
// few sessions, each signed in once, when first needed, and again when DHIS2 has
// ended it. An account with ALL or another dangerous authority is refused. After
// a sign-in that DHIS2 refused the next one waits, from a second to five minutes,
// so that d2gate does not lock its own account.
type Pool struct {
	cfg    PoolConfig
	slots  []slot
	next   atomic.Uint64
	flight singleflight.Group

	mu      sync.Mutex
	refused error // of the last sign-in
	wait    time.Duration
	until   time.Time // no sign-in before
}

// slot is one session: its Cookie header, nil while none is signed in.
type slot struct{ cookie atomic.Pointer[string] }

const (
	firstWait = time.Second
	lastWait  = 5 * time.Minute
)

// NewPool makes the mode. Nothing is asked of DHIS2 yet.
func NewPool(cfg PoolConfig) (*Pool, error) {
	if err := cfg.Server.check("NewPool"); err != nil {
		return nil, err
	}
	if cfg.Username == "" || cfg.Password.text == "" {
		return nil, errors.New("identity: NewPool: Username and Password are required")
	}
	if cfg.Sessions <= 0 {
		cfg.Sessions = 1
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Pool{cfg: cfg, slots: make([]slot, cfg.Sessions)}, nil
}

// Sign puts one of the sessions on out, whoever calls.
func (p *Pool) Sign(ctx context.Context, _ User, _ http.Header, out *http.Request) (Lease, error) {
	clearCredentials(out.Header)
	i := int(p.next.Add(1) % uint64(len(p.slots)))
	cookie, err := p.session(ctx, i)
	if err != nil {
		return nil, err
	}
	out.Header.Set("Cookie", *cookie)
	return &poolLease{pool: p, slot: i, cookie: cookie}, nil
}

// session returns the slot's session, signed in by whoever comes first.
func (p *Pool) session(ctx context.Context, i int) (*string, error) {
	if c := p.slots[i].cookie.Load(); c != nil {
		return c, nil
	}
	ch := p.flight.DoChan(fmt.Sprint(i), func() (any, error) {
		if c := p.slots[i].cookie.Load(); c != nil {
			return c, nil
		}
		return p.signIn(context.WithoutCancel(ctx), i)
	})
	select {
	case res := <-ch:
		c, _ := res.Val.(*string)
		return c, res.Err
	case <-ctx.Done():
		return nil, fault.Wrap(fault.UpstreamTimeout, ctx.Err())
	}
}

func (p *Pool) signIn(ctx context.Context, i int) (*string, error) {
	if err := p.holdOff(); err != nil {
		return nil, err
	}
	cookie, err := p.signInOnce(ctx)
	p.remember(err)
	if err != nil {
		return nil, err
	}
	p.slots[i].cookie.Store(&cookie)
	return &cookie, nil
}

// holdOff returns the last refusal while its wait lasts.
func (p *Pool) holdOff() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.Now().Before(p.until) {
		return p.refused
	}
	return nil
}

// remember doubles the wait after a refusal and ends it after a success.
func (p *Pool) remember(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := fault.From(err); f == nil || f.Reason != fault.UpstreamRefusedIdentity {
		p.wait, p.until = 0, time.Time{}
		return
	}
	p.wait = min(max(2*p.wait, firstWait), lastWait)
	p.refused, p.until = err, p.cfg.Now().Add(p.wait)
}

// poolLease remembers which session a request went with.
type poolLease struct {
	pool   *Pool
	slot   int
	cookie *string
}

// Done drops the session if DHIS2 says that it is not signed in: 401 or a redirect
// to the sign-in page, neither of which carries anything out. Another request may
// have signed in anew meanwhile; that session stays.
func (l *poolLease) Done(resp *http.Response, err error) (again bool) {
	if err != nil || resp == nil {
		return false
	}
	if resp.StatusCode == http.StatusUnauthorized || toLogin(resp.StatusCode, resp.Header) {
		l.pool.slots[l.slot].cookie.CompareAndSwap(l.cookie, nil)
		return true
	}
	if fresh := renew(*l.cookie, resp); fresh != *l.cookie {
		l.pool.swap(l.slot, l.cookie, fresh)
	}
	return false
}

// Refused is nil: what DHIS2 refuses shows at sign-in.
func (l *poolLease) Refused() error { return nil }

// swap follows a session whose cookies the server has changed.
func (p *Pool) swap(i int, old *string, fresh string) {
	if fresh == "" {
		p.slots[i].cookie.CompareAndSwap(old, nil)
		return
	}
	p.slots[i].cookie.CompareAndSwap(old, &fresh)
}
