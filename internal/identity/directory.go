package identity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/d2gate/d2gate/internal/fault"
)

// DirectoryConfig says as whom to ask about accounts.
type DirectoryConfig struct {
	Server Server
	// Account asks GET /api/users (configuration key users.state.as). nil means
	// that nothing is asked: Check lets everyone through.
	Account *Account
	// Self, used by Lookup where Account is nil, asks GET /api/me as the user; only
	// a mode that needs nothing of the user's (jwt) will do. nil means that Lookup
	// returns the bare username.
	Self       Upstream
	CheckEvery time.Duration    // how old a kept state may be; 0 means 60 s
	Entries    int              // accounts kept; 0 means 10,000
	Now        func() time.Time // nil means time.Now
}

// Directory knows whether an account of DHIS2 is in force, at most CheckEvery old.
type Directory struct {
	cfg    DirectoryConfig
	kept   *lru.Cache[string, keptUser]
	flight singleflight.Group
	epoch  atomic.Uint64 // raised by Forget: answers asked before it are not kept
}

// keptUser is an account in force; others are never kept.
type keptUser struct {
	user User
	at   time.Time
}

// NewDirectory makes a directory.
func NewDirectory(cfg DirectoryConfig) (*Directory, error) {
	if err := cfg.Server.check("NewDirectory"); err != nil {
		return nil, err
	}
	if cfg.CheckEvery <= 0 {
		cfg.CheckEvery = time.Minute
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	kept, err := lru.New[string, keptUser](cfg.Entries)
	if err != nil {
		return nil, fmt.Errorf("make directory cache: %w", err)
	}
	return &Directory{cfg: cfg, kept: kept}, nil
}

// Check returns nil if DHIS2 has said, at most CheckEvery ago, that u's account is
// in force. A disabled or expired account, one that is not there, and one of the
// same name with another uid are token_owner_disabled. When DHIS2 cannot be asked
// the answer is a refusal too: upstream_unreachable, upstream_timeout,
// upstream_refused_identity. Without an Account it returns nil.
func (d *Directory) Check(ctx context.Context, u User) error {
	if d.cfg.Account == nil {
		return nil
	}
	found, err := d.state(ctx, u.Username)
	if err != nil {
		return err
	}
	if u.UID != "" && u.UID != found.UID {
		return disabled("the account has another uid than the token's owner")
	}
	return nil
}

// Lookup returns the account with its uid, names and authorities, at most
// CheckEvery old. Errors as Check's.
func (d *Directory) Lookup(ctx context.Context, username string) (User, error) {
	if d.cfg.Account == nil && d.cfg.Self == nil {
		return User{Username: username}, nil
	}
	return d.state(ctx, username)
}

// state returns a kept account or asks, once for all who want it at the time.
func (d *Directory) state(ctx context.Context, username string) (User, error) {
	if k, ok := d.kept.Get(username); ok {
		if age := d.cfg.Now().Sub(k.at); age >= 0 && age < d.cfg.CheckEvery {
			return k.user, nil
		}
	}
	epoch := d.epoch.Load() // part of the key: who comes after a Forget asks anew
	ch := d.flight.DoChan(strconv.FormatUint(epoch, 10)+" "+username, func() (any, error) {
		return d.askAndKeep(context.WithoutCancel(ctx), username, epoch)
	})
	select {
	case res := <-ch:
		u, _ := res.Val.(User)
		return u, res.Err
	case <-ctx.Done():
		return User{}, fault.Wrap(fault.UpstreamTimeout, ctx.Err())
	}
}

func (d *Directory) askAndKeep(ctx context.Context, username string, epoch uint64) (User, error) {
	asked := d.cfg.Now()
	u, err := d.ask(ctx, username)
	switch {
	case err != nil:
		d.kept.Remove(username)
	case d.epoch.Load() == epoch:
		d.kept.Add(username, keptUser{u, asked})
	}
	return u, err
}

func (d *Directory) ask(ctx context.Context, username string) (User, error) {
	if !expressible(username) {
		return User{}, disabled("no account of DHIS2 can have this name")
	}
	if d.cfg.Account == nil {
		return d.askSelf(ctx, username)
	}
	a, err := d.cfg.Server.get(ctx, *d.cfg.Account, "/api/users", url.Values{
		"filter": {"username:eq:" + username},
		"fields": {stateFields},
	})
	if err != nil {
		return User{}, err
	}
	if err := answered("GET /api/users", a); err != nil {
		return User{}, err
	}
	return d.judge(a, username)
}

// judge finds the account in a list. The name is compared exactly, whatever the
// server's filter took for equal.
func (d *Directory) judge(a *answer, username string) (User, error) {
	var list struct{ Users []account }
	if !a.json(&list) {
		return User{}, fault.New(fault.UpstreamUnreachable, "").WithDetail("GET /api/users: the answer is no list of users")
	}
	for i := range list.Users {
		u := &list.Users[i]
		if u.Username != username {
			continue
		}
		if !u.inForce(d.cfg.Now()) {
			return User{}, disabled("DHIS2 says that the account is disabled or expired")
		}
		return u.user(), nil
	}
	return User{}, disabled("DHIS2 has no such account, or does not show it to the account that asks")
}

// askSelf asks /api/me as the user.
func (d *Directory) askSelf(ctx context.Context, username string) (User, error) {
	a, err := d.cfg.Server.get(ctx, Account{d.cfg.Self, User{Username: username}}, "/api/me", url.Values{"fields": {userFields}})
	if err != nil {
		return User{}, err
	}
	if err := answered("GET /api/me", a); err != nil {
		return User{}, err
	}
	u := readUser(a, username)
	if u.Username != username {
		return User{}, refused("GET /api/me answered as another user")
	}
	return u, nil
}

var errDisabled = fault.New(fault.TokenOwnerDisabled, "")

func disabled(detail string) error { return errDisabled.WithDetail(detail) }

// Disabled reports whether err says that the account is not in force.
func Disabled(err error) bool { return errors.Is(err, errDisabled) }

// Forget drops what is known of an account, also what is being asked just now.
func (d *Directory) Forget(username string) {
	d.epoch.Add(1)
	d.kept.Remove(username)
}

// ForgetAll drops everything: some account was changed through d2gate.
func (d *Directory) ForgetAll() {
	d.epoch.Add(1)
	d.kept.Purge()
}
