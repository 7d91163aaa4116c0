package identity_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
)

// TestAProviderMayRotateItsSigningKey: oidcc-client-test-signing-key-rotation and
// -rotation-just-before-signing. A key that has been replaced signs nothing any more.
func TestAProviderMayRotateItsSigningKey(t *testing.T) {
	c := newClock()
	p, old := newIDP(t, c.Now)
	o := newOIDC(t, p, c)
	_, err := signIn(t, o, p, nil)
	require.NoError(t, err)

	next := newSigner(t, "k2")
	rotate := func() {
		p.set(func() {
			p.keys = []jose.JSONWebKey{next.public()}
			p.sign = func(claims map[string]any) string { return next.sign(t, nil, claims) }
		})
	}
	c.Add(time.Hour)
	_, err = signIn(t, o, p, func(url.Values) { rotate() }) // between leaving and coming back
	require.NoError(t, err)

	p.set(func() { p.sign = func(claims map[string]any) string { return old.sign(t, nil, claims) } })
	c.Add(time.Hour)
	_, err = signIn(t, o, p, nil)
	requireReason(t, err, fault.LoginFailed)
}
