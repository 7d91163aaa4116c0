package main

import (
	"context"
	"net/netip"
	"sync/atomic"

	"github.com/d2gate/d2gate/internal/identity"
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

// ForgetAll drops kept states and Basic answers: accounts were changed.
func (u *users) ForgetAll() {
	ids := u.current.Load()
	ids.passwords.ForgetAll()
	ids.directory.ForgetAll()
}
