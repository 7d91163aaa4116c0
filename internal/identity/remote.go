package identity

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/d2gate/d2gate/internal/fault"
)

// retryDiscovery is how often an issuer that does not answer is asked at most.
const retryDiscovery = 10 * time.Second

// remote is another issuer: its discovery document, read when first needed and
// again an hour later, and its keys.
type remote struct {
	issuer string
	client *http.Client
	now    func() time.Time

	asking sync.Mutex
	tried  time.Time // however it ended

	known atomic.Pointer[known]
}

// discovery is what go-oidc does not read.
type discovery struct {
	JWKS    string `json:"jwks_uri"`
	IssSent bool   `json:"authorization_response_iss_parameter_supported"` // RFC 9207 3
}

// rediscover is how old a discovery document may be before it is read again.
const rediscover = time.Hour

func newRemote(issuer string, rt http.RoundTripper, now func() time.Time) (*remote, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("identity: issuer %q is no http or https URL", issuer)
	}
	return &remote{issuer: issuer, client: boundedClient(rt), now: now}, nil
}

// known is an issuer that has answered.
type known struct {
	provider *oidc.Provider
	more     discovery
	keys     *keySet
	at       time.Time
}

// discover returns the issuer's document and keys. Where it is known, at most one
// caller reads the document again and the others go on. The fault is
// store_unavailable: the credential can neither be accepted nor refused.
func (r *remote) discover(ctx context.Context) (*known, error) {
	k := r.known.Load()
	switch {
	case k == nil:
		r.asking.Lock()
	case r.now().Sub(k.at) < rediscover || !r.asking.TryLock():
		return k, nil
	}
	defer r.asking.Unlock()
	err := r.refresh(ctx)
	if k = r.known.Load(); k == nil {
		return nil, unavailable(r.issuer, err)
	}
	return k, nil
}

// refresh asks unless the last try is just over.
func (r *remote) refresh(ctx context.Context) error {
	now := r.now()
	if since := now.Sub(r.tried); !r.tried.IsZero() && since >= 0 && since < retryDiscovery {
		return errJustTried
	}
	r.tried = now
	return r.ask(ctx, now)
}

// ask reads the document. go-oidc compares its issuer to the letter.
func (r *remote) ask(ctx context.Context, now time.Time) error {
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), r.client)
	p, err := oidc.NewProvider(ctx, r.issuer)
	if err != nil {
		return err
	}
	var d discovery
	if err := p.Claims(&d); err != nil {
		return err
	}
	for _, end := range []string{d.JWKS, p.Endpoint().TokenURL, p.Endpoint().AuthURL, p.UserInfoEndpoint()} {
		if err := r.asSafe(end); err != nil {
			return err
		}
	}
	k := &known{provider: p, more: d, at: now}
	if old := r.known.Load(); old != nil && old.keys.url == d.JWKS {
		k.keys = old.keys
	} else {
		k.keys = &keySet{url: d.JWKS, client: r.client, now: r.now}
	}
	r.known.Store(k)
	return nil
}

// asSafe refuses an endpoint over plain http where the issuer is https.
func (r *remote) asSafe(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	own, _ := url.Parse(r.issuer) // newRemote has parsed it
	if err != nil || u.Scheme != "https" && u.Scheme != own.Scheme {
		return fmt.Errorf("the issuer names an endpoint that is not https: %q", endpoint)
	}
	return nil
}

func unavailable(issuer string, err error) error {
	text := err.Error()
	if len(text) > 2*maxMessage {
		text = text[:2*maxMessage]
	}
	return fault.New(fault.StoreUnavailable, "").WithDetail("issuer " + issuer + ": " + text)
}
