package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/d2gate/d2gate/internal/fault"
)

// NativeStore keeps one sealed native token for each user. Implementations are
// safe for concurrent use.
type NativeStore interface {
	// NativePAT returns what PutNativePAT stored last, nil without an error if
	// there is none.
	NativePAT(ctx context.Context, username string) ([]byte, error)
	PutNativePAT(ctx context.Context, username string, sealed []byte) error
	// DeleteNativePAT succeeds where there is none.
	DeleteNativePAT(ctx context.Context, username string) error
}

// NativeConfig is the mode pat.
type NativeConfig struct {
	Server   Server
	Store    NativeStore      // required
	Sealer   *Sealer          // required
	Sessions *Sessions        // required; not shared with another mode
	Address  netip.Addr       // required: d2gate's own, to which the tokens are limited
	Life     time.Duration    // of a token; 0 means 30 days
	Entries  int              // users whose token is kept in memory; 0 means 10,000
	Now      func() time.Time // nil means time.Now
}

// Native is the mode pat: DHIS2 gets a personal access token of its own making.
// It is created the first time a user comes with Basic, with that user's own
// sign-in, limited to d2gate's address, and made anew in the last third of its
// life. A user who never came with Basic cannot be signed in. Where DHIS2 refuses
// a token it is dropped, and the next Basic makes another.
type Native struct {
	cfg    NativeConfig
	kept   *lru.Cache[string, nativePAT]
	flight singleflight.Group
}

// nativePAT is what is sealed.
type nativePAT struct {
	Key     string    `json:"key"`
	Address string    `json:"address"` // DHIS2 compares it as text
	Expiry  time.Time `json:"expiry"`
	Made    time.Time `json:"made"`
}

// NewNative makes the mode.
func NewNative(cfg NativeConfig) (*Native, error) {
	if err := cfg.Server.check("NewNative"); err != nil {
		return nil, err
	}
	if cfg.Store == nil || cfg.Sealer == nil || cfg.Sessions == nil || !cfg.Address.IsValid() {
		return nil, errors.New("identity: NewNative: Store, Sealer, Sessions and Address are required")
	}
	if cfg.Life <= 0 {
		cfg.Life = 30 * 24 * time.Hour
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	kept, err := lru.New[string, nativePAT](cfg.Entries)
	if err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	return &Native{cfg: cfg, kept: kept}, nil
}

// Sign puts u's native token and session on out. DHIS2 takes the whole
// X-Forwarded-For for the caller's address, so it carries d2gate's own here, and
// the caller's goes into Forwarded (RFC 7239).
func (n *Native) Sign(ctx context.Context, u User, caller http.Header, out *http.Request) (Lease, error) {
	clearCredentials(out.Header)
	if u.Username == "" {
		return noLease{}, nil
	}
	pat, err := n.token(ctx, u.Username, basicOf(caller))
	if err != nil {
		return nil, err
	}
	out.Header.Set("Authorization", "ApiToken "+pat.Key)
	forwarded(out.Header, pat.Address)
	cookie := n.cfg.Sessions.take(u.Username)
	if cookie != "" {
		out.Header.Set("Cookie", cookie)
	}
	return &nativeLease{native: n, user: u.Username, cookie: cookie}, nil
}

// forwarded moves the caller's address from X-Forwarded-For to Forwarded. A request
// that is signed a second time is left as it is.
func forwarded(h http.Header, own string) {
	if x := h["X-Forwarded-For"]; len(x) == 1 && x[0] == own {
		return
	}
	hops := strings.Split(strings.Join(h["X-Forwarded-For"], ","), ",")
	var forms []string
	for _, hop := range hops {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		switch {
		case err != nil:
		case a.Is6():
			forms = append(forms, `for="[`+a.String()+`]"`)
		default:
			forms = append(forms, "for="+a.String())
		}
	}
	h.Del("Forwarded")
	if len(forms) > 0 {
		h.Set("Forwarded", strings.Join(forms, ", "))
	}
	h.Set("X-Forwarded-For", own)
}

// basicOf is the caller's Basic credential, already verified; "" for others.
func basicOf(caller http.Header) string {
	lines := caller["Authorization"]
	if len(lines) == 1 && len(lines[0]) > 6 && strings.EqualFold(lines[0][:6], "Basic ") {
		return lines[0]
	}
	return ""
}

// token returns the user's token, kept, stored or made with basic.
func (n *Native) token(ctx context.Context, username, basic string) (nativePAT, error) {
	pat, err := n.find(ctx, username)
	if err != nil {
		return nativePAT{}, err
	}
	left := pat.Expiry.Sub(n.cfg.Now())
	switch {
	case left > n.cfg.Life/3, left > 0 && basic == "":
		return pat, nil
	case basic == "":
		return nativePAT{}, refused("no native token of this user: it is made when the user comes with Basic")
	}
	made, err := n.shared(ctx, username, basic)
	if err != nil && left > 0 {
		return pat, nil // still good, tried again next time
	}
	return made, err
}

func (n *Native) find(ctx context.Context, username string) (nativePAT, error) {
	if pat, ok := n.kept.Get(username); ok {
		return pat, nil
	}
	sealed, err := n.cfg.Store.NativePAT(ctx, username)
	if err != nil {
		return nativePAT{}, fault.Wrap(fault.StoreUnavailable, fmt.Errorf("look up native token: %w", err))
	}
	if sealed == nil {
		return nativePAT{}, nil
	}
	var pat nativePAT
	text, err := n.cfg.Sealer.Open(username, sealed)
	if err != nil || json.Unmarshal(text, &pat) != nil {
		return nativePAT{}, nil // of another key: as if there were none
	}
	n.kept.Add(username, pat)
	return pat, nil
}

// shared makes a token, once for all requests that need it.
func (n *Native) shared(ctx context.Context, username, basic string) (nativePAT, error) {
	ch := n.flight.DoChan(username, func() (any, error) {
		return n.make(context.WithoutCancel(ctx), username, basic)
	})
	select {
	case res := <-ch:
		pat, _ := res.Val.(nativePAT)
		return pat, res.Err
	case <-ctx.Done():
		return nativePAT{}, fault.Wrap(fault.UpstreamTimeout, ctx.Err())
	}
}

// make asks DHIS2 for a token as the user and keeps it.
func (n *Native) make(ctx context.Context, username, basic string) (nativePAT, error) {
	now := n.cfg.Now().UTC()
	pat := nativePAT{Address: n.cfg.Address.String(), Expiry: now.Add(n.cfg.Life), Made: now}
	var err error
	if pat.Key, err = n.create(ctx, basic, pat); err != nil {
		return nativePAT{}, err
	}
	text, err := json.Marshal(pat)
	if err != nil {
		return nativePAT{}, err
	}
	if err := n.cfg.Store.PutNativePAT(ctx, username, n.cfg.Sealer.Seal(username, text)); err != nil {
		return nativePAT{}, fault.Wrap(fault.StoreUnavailable, fmt.Errorf("keep native token: %w", err))
	}
	n.kept.Add(username, pat)
	return pat, nil
}

// create is POST /api/apiToken with the user's own sign-in.
func (n *Native) create(ctx context.Context, basic string, pat nativePAT) (key string, err error) {
	body, err := json.Marshal(map[string]any{
		"expire":     pat.Expiry.UnixMilli(),
		"attributes": []any{map[string]any{"type": "IpAllowedList", "allowedIps": []string{pat.Address}}},
	})
	if err != nil {
		return "", err
	}
	req, err := n.cfg.Server.request(ctx, http.MethodPost, "/api/apiToken", nil, body)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", basic)
	a, err := n.cfg.Server.send(req)
	if err != nil {
		return "", err
	}
	var made struct{ Response struct{ Key string } }
	if a.status == http.StatusCreated && a.json(&made) && made.Response.Key != "" {
		return made.Response.Key, nil
	}
	if a.status >= 500 {
		return "", unexpected("POST /api/apiToken", a)
	}
	return "", refused(unexpectedText("POST /api/apiToken", a) + ": " + a.message("no message"))
}

// Forget drops the user's token and sessions from memory; the store keeps it.
func (n *Native) Forget(username string) {
	n.kept.Remove(username)
	n.cfg.Sessions.Forget(username)
}

// nativeLease holds a session of user, if one was at rest, until Done.
type nativeLease struct {
	native  *Native
	user    string
	cookie  string
	refused error
}

// Done gives the session back. A token that DHIS2 refuses is dropped everywhere.
func (l *nativeLease) Done(resp *http.Response, err error) (again bool) {
	if err != nil || resp == nil {
		return false
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "ApiToken"):
		l.native.drop(resp.Request, l.user)
		l.refused = refused("DHIS2 does not take the native token of this user")
		return false
	case toLogin(resp.StatusCode, resp.Header):
		l.native.cfg.Sessions.Forget(l.user)
		return l.cookie != ""
	case resp.StatusCode == http.StatusUnauthorized:
		return false
	}
	if cookie := renew(l.cookie, resp); cookie != "" {
		l.native.cfg.Sessions.give(l.user, cookie)
	}
	return false
}

// Refused says that the native token is no longer good.
func (l *nativeLease) Refused() error { return l.refused }

// drop removes a token that DHIS2 no longer takes. Where the store cannot be
// written the next answer of DHIS2 drops it again.
func (n *Native) drop(req *http.Request, username string) {
	n.Forget(username)
	ctx := context.Background()
	if req != nil {
		ctx = context.WithoutCancel(req.Context())
	}
	_ = n.cfg.Store.DeleteNativePAT(ctx, username)
}
