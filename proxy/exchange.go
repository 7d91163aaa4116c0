package proxy

import (
	"io"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// roundTrip signs the request in and sends it; once more where the identity says
// that its session had ended and the body can be sent again. It goes past
// httputil's trace, so that no 1xx answer of the upstream, with cookies in it,
// reaches the caller.
func (f *ReverseProxy) roundTrip(out *http.Request) (*http.Response, error) {
	t := tripOf(out.Context())
	out = out.WithContext(t.ctx)
	resp, again, err := f.send(t, out)
	if err != nil || !again || t.upload != nil {
		return resp, err
	}
	_ = resp.Body.Close()
	if out.GetBody != nil {
		if out.Body, err = out.GetBody(); err != nil {
			return nil, err
		}
	}
	resp, _, err = f.send(t, out)
	return resp, err
}

func (f *ReverseProxy) send(t *trip, out *http.Request) (*http.Response, bool, error) {
	lease, err := t.sign(out)
	if err != nil {
		return nil, false, err
	}
	began := f.now()
	resp, err := f.transport.RoundTrip(out)
	again := lease.Done(resp, err)
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	if t.Answered != nil {
		t.Answered(status, f.now().Sub(began))
	}
	if err != nil {
		return nil, false, err
	}
	if again && t.upload == nil {
		return resp, true, nil
	}
	if err := lease.Refused(); err != nil {
		_ = resp.Body.Close()
		return nil, false, err
	}
	if resp.Trailer != nil || len(resp.TransferEncoding) > 0 {
		// Trailers are not passed on: httputil would copy them past the rules of
		// modifyResponse. The body fills in those of the original.
		bare := *resp
		bare.Trailer = nil
		resp = &bare
	}
	return resp, false, nil
}

// sign puts the upstream credential on the request. A caller without a credential
// goes on without one, but for the service account of the mode basic.
func (t *trip) sign(out *http.Request) (identity.Lease, error) {
	switch {
	case t.Principal.Foreign:
		out.Header["Authorization"] = t.in.Header["Authorization"]
		delete(out.Header, "Cookie")
		return noLease{}, nil
	case t.Mode == modePassthrough:
		return t.Identity.Sign(t.ctx, t.Principal.User(), t.own(), out)
	case t.Principal.Kind == NoCredential && t.Mode != modeBasic:
		return noLease{}, nil
	case t.Mode == modePAT && t.Principal.Kind == BasicCredential:
		// The mode makes the user's native token with the sign-in that was verified.
		return t.Identity.Sign(t.ctx, t.Principal.User(), t.own(), out)
	}
	return t.Identity.Sign(t.ctx, t.Principal.User(), nil, out)
}

// own is what passthrough may pass: the credential that was judged, or, where none
// was looked at or sent, the cookies.
func (t *trip) own() http.Header {
	name := "Authorization"
	if k := t.Principal.Kind; k == NoCredential || k == SessionCredential {
		name = "Cookie"
	}
	if lines := t.in.Header[name]; lines != nil {
		return http.Header{name: lines}
	}
	return nil
}

type noLease struct{}

func (noLease) Done(*http.Response, error) bool { return false }
func (noLease) Refused() error                  { return nil }

// modifyResponse takes off the answer what is not the caller's (design 3.7).
func (f *ReverseProxy) modifyResponse(resp *http.Response) error {
	t := tripOf(resp.Request.Context())
	t.passed.Store(true)
	if t.timer != nil {
		t.timer.Stop()
	}
	if refusesIdentity(t.Mode, resp) {
		return fault.New(fault.UpstreamRefusedIdentity, "")
	}
	h := resp.Header
	if t.Mode != modePassthrough || t.Principal.Foreign {
		delete(h, "Set-Cookie")
		delete(h, "Set-Cookie2")
	}
	delete(h, "X-Request-Id")
	delete(h, "X-Gateway-Reason")
	delete(h, "Alt-Svc") // an address of the upstream's own
	f.links.rewrite(h)
	if t.Ended != nil {
		if resp.Body == http.NoBody || resp.ContentLength == 0 {
			t.Ended()
		} else {
			resp.Body = &untilEnd{resp.Body, t.Ended}
		}
	}
	if t.Visible != nil {
		return filterList(resp, t.Visible)
	}
	return nil
}

// untilEnd tells when a body is at its end. net/http gives io.EOF with the last
// bytes of a body of known length; one of unknown length is not over for the
// caller before the handler has returned.
type untilEnd struct {
	io.ReadCloser
	ended func()
}

// Read implements io.Reader.
func (u *untilEnd) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	if err != nil {
		u.ended()
	}
	return n, err
}

// refusesIdentity reports whether DHIS2 does not take our own sign-in. The leases
// say so too; this holds for any implementation.
func refusesIdentity(mode string, resp *http.Response) bool {
	return mode == modeJWT && resp.StatusCode == http.StatusUnauthorized &&
		strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
}
