package main

import (
	"context"
	"net/netip"
	"sync/atomic"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/proxy"
)

// users asks the identities in force; a reload may replace them.
type users struct{ current atomic.Pointer[identities] }

func (u *users) Verify(ctx context.Context, username, password string, client netip.Addr) (identity.User, error) {
	return u.current.Load().passwords.Verify(ctx, username, password, client)
}

// Login signs somebody in at the pages.
func (u *users) Login(ctx context.Context, username, password, code string, client netip.Addr) (identity.User, identity.Step, error) {
	return u.current.Load().login.Login(ctx, username, password, code, client)
}

func (u *users) Check(ctx context.Context, who identity.User) error {
	return u.current.Load().directory.Check(ctx, who)
}

func (u *users) Lookup(ctx context.Context, username string) (identity.User, error) {
	return u.current.Load().directory.Lookup(ctx, username)
}

// authorities are those of the account that a caller acts as, as DHIS2 has named
// them within users.state.check_every: a session heard them when it began, and a
// token never. Where nobody can be asked they are what the credential brought.
// Another account of the same name is token_owner_disabled.
func (u *users) authorities(ctx context.Context, p proxy.Principal) ([]string, error) {
	if p.Kind == proxy.BasicCredential && p.Authorities != nil {
		return p.Authorities, nil // heard seconds ago
	}
	now, err := u.Lookup(ctx, p.Username)
	switch {
	case err != nil:
		return nil, err
	case now.UID == "":
		return p.Authorities, nil
	case p.UID != "" && now.UID != p.UID:
		return nil, fault.New(fault.TokenOwnerDisabled, "")
	}
	return now.Authorities, nil
}

// ForgetAll drops kept states and Basic answers: accounts were changed.
func (u *users) ForgetAll() {
	ids := u.current.Load()
	ids.passwords.ForgetAll()
	ids.directory.ForgetAll()
}
