package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/proxy"
)

// TestWhoIsNoAdministratorAnyMoreAdministersNothing: a session lives for hours, and
// an account of the same name may be another's.
func TestWhoIsNoAdministratorAnyMoreAdministersNothing(t *testing.T) {
	authorities := []map[string]any{{"authorities": []string{"ALL"}}}
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		require.NoError(t, json.NewEncoder(w).Encode(map[string]any{"users": []any{
			map[string]any{"id": "M5zQapPyTZI", "username": "admin", "disabled": false, "userRoles": authorities},
		}}))
	}))
	defer back.Close()
	at, err := url.Parse(back.URL)
	require.NoError(t, err)
	directory, err := identity.NewDirectory(identity.DirectoryConfig{Server: identity.Server{URL: at}, Account: &identity.Account{As: identity.None{}}})
	require.NoError(t, err)
	g := &gateway{}
	g.users.current.Store(&identities{directory: directory})
	g.inForce.Store(&config.Config{Users: config.Users{Admins: []string{"ALL"}}})
	for _, kind := range []proxy.CredentialKind{proxy.SessionCredential, proxy.PATCredential, proxy.OAuth2Credential} {
		directory.ForgetAll()
		authorities[0]["authorities"] = []string{"ALL"}
		p := proxy.Principal{Kind: kind, UID: "M5zQapPyTZI", Username: "admin", Authorities: []string{"ALL"}}
		yes, err := g.administers(t.Context(), p)
		require.NoError(t, err)
		require.True(t, yes)

		stranger := p
		stranger.UID = "AnotherUid1"
		yes, err = g.administers(t.Context(), stranger)
		require.ErrorIs(t, err, fault.New(fault.TokenOwnerDisabled, ""))
		require.False(t, yes)

		directory.ForgetAll()
		authorities[0]["authorities"] = []string{"F_DATAELEMENT_ADD"}
		yes, err = g.administers(t.Context(), p)
		require.NoError(t, err)
		require.False(t, yes, kind)
	}
}
