package identity

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/d2gate/d2gate/internal/fault"
)

// BasicConfig says whom to ask and for how long an answer holds.
type BasicConfig struct {
	Server   Server
	Throttle *Throttle        // required; shared with Login
	TTL      time.Duration    // how long a right password is not asked again; 0 means 10 s
	Entries  int              // right passwords remembered; 0 means 10,000
	Now      func() time.Time // nil means time.Now
}

// Basic finds out whether a user name and password are right by asking DHIS2.
//
// A right pair is remembered for TTL and passes without asking, so it is not
// touched by the throttle either. For as long as it stays among the last Entries
// right pairs it is also known: once TTL is over it is asked about even when
// others' guesses have used up the account's budget, so that guessing does not
// lock out who is signed in. Pairs are kept as a keyed hash of both parts.
type Basic struct {
	server   Server
	throttle *Throttle
	ttl      time.Duration
	now      func() time.Time
	key      [32]byte
	good     *lru.Cache[pairKey, goodPair]
	flight   singleflight.Group
	epoch    atomic.Uint64 // raised by Forget: answers asked before it are not kept
}

type pairKey [sha256.Size]byte

type goodPair struct {
	user  User
	until time.Time
}

// NewBasic makes a verifier.
func NewBasic(cfg BasicConfig) (*Basic, error) {
	if err := cfg.Server.check("NewBasic"); err != nil {
		return nil, err
	}
	if cfg.Throttle == nil {
		return nil, errors.New("identity: NewBasic: Throttle is required")
	}
	if cfg.TTL <= 0 {
		cfg.TTL = 10 * time.Second
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	good, err := lru.New[pairKey, goodPair](cfg.Entries)
	if err != nil {
		return nil, fmt.Errorf("make basic cache: %w", err)
	}
	b := &Basic{server: cfg.Server, throttle: cfg.Throttle, ttl: cfg.TTL, now: cfg.Now, good: good}
	rand.Read(b.key[:]) // never fails since Go 1.24
	return b, nil
}

// Verify returns the user if DHIS2 takes the pair. Errors: login_failed with
// DHIS2's own message, login_throttled, upstream_unreachable, upstream_timeout.
// An unknown user takes the same way as a known one.
func (b *Basic) Verify(ctx context.Context, username, password string, client netip.Addr) (User, error) {
	if username == "" || strings.Contains(username, ":") { // RFC 7617 2: cannot be sent
		return User{}, fault.New(fault.LoginFailed, "")
	}
	key := b.pair(username, password)
	kept, known := b.good.Get(key)
	if known && b.now().Before(kept.until) {
		return kept.user, nil
	}
	return b.shared(ctx, key, func(ctx context.Context) (User, error) {
		return b.attempt(ctx, key, known, username, password, client)
	})
}

// shared runs ask once for all who bring the same pair at the same time. The
// question goes on when one of them hangs up, so that its end is always counted.
func (b *Basic) shared(ctx context.Context, key pairKey, ask func(context.Context) (User, error)) (User, error) {
	epoch := b.epoch.Load() // part of the key: who comes after ForgetAll asks anew
	ch := b.flight.DoChan(string(key[:])+strconv.FormatUint(epoch, 10), func() (any, error) {
		return ask(context.WithoutCancel(ctx))
	})
	select {
	case res := <-ch:
		u, _ := res.Val.(User)
		return u, res.Err
	case <-ctx.Done():
		return User{}, fault.Wrap(fault.UpstreamTimeout, ctx.Err())
	}
}

// attempt asks DHIS2 within the budget and keeps a yes.
func (b *Basic) attempt(ctx context.Context, key pairKey, known bool, username, password string, client netip.Addr) (User, error) {
	end := func(wrong bool) {
		if wrong {
			b.throttle.count(username, client)
		}
	}
	if !known {
		a, err := b.throttle.begin(ctx, username, client)
		if err != nil {
			return User{}, err
		}
		end = a.end
	}
	epoch := b.epoch.Load()
	u, err := b.ask(ctx, username, password)
	end(wrongPassword(err))
	if err != nil {
		if errors.Is(err, errLoginFailed) {
			b.good.Remove(key)
		}
		return User{}, err
	}
	if b.epoch.Load() == epoch {
		b.good.Add(key, goodPair{u, b.now().Add(b.ttl)})
	}
	return u, nil
}

var errLoginFailed = fault.New(fault.LoginFailed, "")

// wrongPassword reports whether err says that the password was wrong, as far as
// DHIS2 tells: a locked or disabled account is refused before the password is
// looked at (contract 3.1), and such a refusal is no guess.
func wrongPassword(err error) bool {
	f := fault.From(err)
	return f != nil && f.Reason == fault.LoginFailed && f.Message != "Account locked" && f.Message != "Account disabled"
}

// ask sends GET /api/me with the pair and nothing else of the caller's.
func (b *Basic) ask(ctx context.Context, username, password string) (User, error) {
	req, err := b.server.request(ctx, http.MethodGet, "/api/me", url.Values{"fields": {userFields}}, nil)
	if err != nil {
		return User{}, err
	}
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(username+":"+password)))
	a, err := b.server.send(req)
	if err != nil {
		return User{}, err
	}
	return judgeMe(a, username)
}

const userFields = "id,username,name,displayName,authorities"

// judgeMe reads an answer of /api/me. 200 is a yes, whatever its body; 401, 403 (of
// plain back ends) and a redirect to a sign-in page are a no; anything else
// (5xx, 404, a redirect elsewhere) says nothing about the password.
func judgeMe(a *answer, username string) (User, error) {
	switch {
	case a.status == http.StatusOK:
		return readUser(a, username), nil
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return User{}, fault.New(fault.LoginFailed, a.message(""))
	case toLogin(a.status, a.header):
		return User{}, fault.New(fault.LoginFailed, "")
	}
	return User{}, unexpected("GET /api/me", a)
}

// readUser takes from a JSON body what it has; the user is the answer's username,
// else the one that was sent.
func readUser(a *answer, username string) User {
	var me struct {
		ID, Username, Name, DisplayName string
		Authorities                     []string
	}
	if !a.json(&me) {
		return User{Username: username}
	}
	me.Username = cmp.Or(me.Username, username)
	return User{me.ID, me.Username, me.Name, me.DisplayName, me.Authorities}
}

// ForgetAll drops every remembered pair: a password or an account was changed.
func (b *Basic) ForgetAll() {
	b.epoch.Add(1)
	b.good.Purge()
}

// pair is the keyed hash of both parts; the length keeps them apart.
func (b *Basic) pair(username, password string) pairKey {
	mac := hmac.New(sha256.New, b.key[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(username)))
	mac.Write(n[:])
	mac.Write([]byte(username))
	mac.Write([]byte(password))
	return pairKey(mac.Sum(nil))
}
