package oauth2server

import (
	"context"

	"github.com/d2gate/d2gate/internal/fault"
)

// passwordGrant proves the owner by user name and password (RFC 6749 4.3), asked
// of DHIS2 and throttled like Basic. RFC 9700 2.4 wants it gone; it is here for
// clients of DHIS2 <= 2.41, off unless oauth2.password_grant and the client's
// grantTypes both say so.
func (s *Server) passwordGrant(ctx context.Context, q tokenRequest) (proof, error) {
	scope, err := grantScope(q.form.Get("scope"))
	if err != nil {
		return proof{}, err
	}
	username, password := q.form.Get("username"), q.form.Get("password")
	if username == "" || password == "" {
		return proof{}, invalidGrant("Bad credentials", fault.LoginFailed)
	}
	owner, err := s.cfg.Passwords.CheckPassword(ctx, username, password, q.from)
	if err != nil {
		return proof{}, fromFault(err)
	}
	return proof{owner: owner, scope: scope}, nil
}
