package identity

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// WhoAmI asks GET /api/me as the account, by the steps that sign requests in, and
// returns whom DHIS2 takes it for. Errors: upstream_refused_identity with DHIS2's
// words, upstream_unreachable, upstream_timeout.
func (s Server) WhoAmI(ctx context.Context, who Account) (username string, err error) {
	if err := s.check("WhoAmI"); err != nil {
		return "", err
	}
	a, err := s.get(ctx, who, "/api/me", url.Values{"fields": {"username"}})
	if err != nil {
		return "", err
	}
	if err := answered("GET /api/me", a); err != nil {
		return "", err
	}
	var me struct{ Username string }
	if !a.json(&me) || me.Username == "" {
		return "", unexpected("GET /api/me, without a username,", a)
	}
	return me.Username, nil
}

// Clock asks for the sign-in page's settings, which need no sign-in, and returns
// what time it is there, to the second; zero if the answer does not say. Any answer
// will do. Errors: upstream_unreachable, upstream_timeout.
func (s Server) Clock(ctx context.Context) (time.Time, error) {
	if err := s.check("Clock"); err != nil {
		return time.Time{}, err
	}
	req, err := s.request(ctx, http.MethodGet, "/api/loginConfig", nil, nil)
	if err != nil {
		return time.Time{}, err
	}
	a, err := s.send(req)
	if err != nil {
		return time.Time{}, err
	}
	if at, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return at, nil
	}
	return time.Time{}, nil
}
