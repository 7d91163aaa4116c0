package identity

import (
	"context"
	"net/http"
	"net/url"

	"github.com/d2gate/d2gate/internal/fault"
)

// Account is an identity under which d2gate itself asks DHIS2: a mode and the user
// that the mode acts as (the zero User for one that has its own, as basic).
type Account struct {
	As   Upstream
	User User
}

// get asks GET path as the account, once more if a session had ended. Errors:
// those of Upstream.Sign, upstream_refused_identity where DHIS2 does not take the
// account, upstream_unreachable for anything but an answer.
func (s *Server) get(ctx context.Context, who Account, path string, query url.Values) (*answer, error) {
	for again := true; ; again = false {
		a, retry, err := s.getOnce(ctx, who, path, query)
		if err != nil || !retry || !again {
			return a, err
		}
	}
}

func (s *Server) getOnce(ctx context.Context, who Account, path string, query url.Values) (*answer, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	req, err := s.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, false, err
	}
	lease, err := who.As.Sign(ctx, who.User, nil, req)
	if err != nil {
		return nil, false, err
	}
	resp, err := s.Transport.RoundTrip(req)
	again := lease.Done(resp, err)
	if err != nil {
		return nil, false, unreachable(req, err)
	}
	defer resp.Body.Close()
	if err := lease.Refused(); err != nil {
		return nil, false, err
	}
	a, err := readAnswer(req, resp)
	return a, again, err
}

// answered turns an answer that is not 200 into a fault: DHIS2 does not take the
// account (401, 403, the sign-in page), or something else is wrong.
func answered(what string, a *answer) error {
	switch {
	case a.status == http.StatusOK:
		return nil
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, toLogin(a.status, a.header):
		return refused(unexpectedText(what, a) + ": " + a.message("no message"))
	}
	return unexpected(what, a)
}

// refused is upstream_refused_identity with what the operator should know.
func refused(detail string) error {
	return fault.New(fault.UpstreamRefusedIdentity, "").WithDetail(detail)
}
