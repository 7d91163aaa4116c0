package console

import (
	"context"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/proxy"
)

var _ proxy.Sessions = (*Console)(nil)

// Session implements proxy.Sessions: who is signed in by the cookie that a request
// through the gateway brings. The gateway itself asks whether the account is in
// force. Error: store_unavailable.
func (c *Console) Session(ctx context.Context, h proxy.Header) (proxy.Principal, bool, error) {
	s, err := c.sessions.find(ctx, h.Values("Cookie"))
	if err != nil {
		return proxy.Principal{}, false, fault.Wrap(fault.StoreUnavailable, err)
	}
	if s == nil {
		return proxy.Principal{}, false, nil
	}
	return principal(s.user), true, nil
}

// principal is a user in the gateway's words.
func principal(u identity.User) proxy.Principal {
	return proxy.Principal{Kind: proxy.SessionCredential, UID: u.UID, Username: u.Username, Name: u.Name, DisplayName: u.DisplayName, Authorities: u.Authorities}
}
