package oauth2server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"pgregory.net/rapid"

	"github.com/d2gate/d2gate/oauth2server"
)

// served is a rig behind a real socket, whose issuer is its own address.
func served(t *testing.T) (*rig, string) {
	t.Helper()
	var r *rig
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.mux.ServeHTTP(w, q) }))
	t.Cleanup(srv.Close)
	r = newRigAt(t, srv.URL)
	return r, srv.URL
}

// TestRealClientsFinishEveryGrant drives the server with golang.org/x/oauth2, which
// found its endpoints by go-oidc's discovery.
func TestRealClientsFinishEveryGrant(t *testing.T) {
	r, base := served(t)
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, base)
	require.NoError(t, err)
	c := oauth2.Config{ClientID: "demo", ClientSecret: documentedSecret, Endpoint: provider.Endpoint(), RedirectURL: "http://www.example.org"}
	require.Equal(t, base+"/oauth2/token", c.Endpoint.TokenURL)

	byPassword, err := c.PasswordCredentialsToken(ctx, "admin", "district")
	require.NoError(t, err)
	require.True(t, r.works(byPassword.AccessToken))
	_, err = c.PasswordCredentialsToken(ctx, "admin", "wrong")
	var refused *oauth2.RetrieveError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "invalid_grant", refused.ErrorCode)

	byPassword.Expiry = byPassword.Expiry.AddDate(-1, 0, 0)
	renewed, err := c.TokenSource(ctx, byPassword).Token()
	require.NoError(t, err)
	require.NotEqual(t, byPassword.AccessToken, renewed.AccessToken)

	verifier := oauth2.GenerateVerifier()
	at, err := url.Parse(c.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	require.NoError(t, err)
	var params []string
	for k, v := range at.Query() {
		params = append(params, k, v[0])
	}
	byCode, err := c.Exchange(ctx, r.code(params...), oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	require.True(t, r.works(byCode.AccessToken))
}

// TestAJWTAccessTokenIsReadableByOthersAndStillRevocable verifies the signature
// with go-oidc's key set; the typ is at+jwt (RFC 9068).
func TestAJWTAccessTokenIsReadableByOthersAndStillRevocable(t *testing.T) {
	r, base := served(t)
	r.srv.Reload(oauth2server.Settings{PasswordGrant: true, JWT: true, AccessTTL: 1 << 40, RefreshTTL: 1 << 41, CodeTTL: 1 << 35})
	text := text(r.password().body["access_token"])
	payload, err := oidc.NewRemoteKeySet(context.Background(), base+"/oauth2/jwks").VerifySignature(context.Background(), text)
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(payload, &claims))
	require.Equal(t, base, claims["iss"])
	require.Equal(t, "admin", claims["username"])
	require.True(t, r.works(text))
	require.Equal(t, 200, r.post("/oauth2/revoke", demo, "token", text).status)
	require.False(t, r.works(text))
}

func TestSigningKeysRotateAndSurviveARestart(t *testing.T) {
	r := newRig(t)
	first := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/jwks", nil)).body["keys"].([]any)
	require.Len(t, first, 1)
	open := func() *oauth2server.Keys {
		k, err := oauth2server.OpenKeys(t.Context(), oauth2server.KeysConfig{Store: r.st, Now: r.clock, Rand: oauth2server.RandReader})
		require.NoError(t, err)
		return k
	}
	keys, err := r.st.SigningKeys(t.Context())
	require.NoError(t, err)
	open()
	again, err := r.st.SigningKeys(t.Context())
	require.NoError(t, err)
	require.Equal(t, keys, again, "a restart makes no key")
	r.wait(90 * 24 * 3600e9)
	open()
	rotated, err := r.st.SigningKeys(t.Context())
	require.NoError(t, err)
	require.Len(t, rotated, 2, "the old key stays while its tokens live")
	r.wait(26 * 3600e9)
	open()
	left, err := r.st.SigningKeys(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NotEqual(t, keys[0].ID, left[0].ID)
	_, err = oauth2server.OpenKeys(t.Context(), oauth2server.KeysConfig{Store: r.st, Seal: [32]byte{1}, Now: r.clock, Rand: oauth2server.RandReader})
	require.Error(t, err, "another seal does not open them")
}

// TestNothingWorksTwice is a state machine over codes, refresh tokens and
// revocation: whatever the order, a spent thing never works again and takes its
// family along, and a revoked token stays revoked.
func TestNothingWorksTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		type family struct {
			code            string // "" once spent
			access, refresh []string
			dead            bool
		}
		var families []*family
		live := func() *family {
			if len(families) == 0 {
				rt.Skip("no family yet")
			}
			return families[rapid.IntRange(0, len(families)-1).Draw(rt, "family")]
		}
		end := func(f *family) { f.dead = true }
		rt.Repeat(map[string]func(*rapid.T){
			"authorize": func(*rapid.T) { families = append(families, &family{code: r.code()}) },
			"sign in": func(*rapid.T) {
				out := r.password()
				families = append(families, &family{access: []string{text(out.body["access_token"])}, refresh: []string{text(out.body["refresh_token"])}})
			},
			"redeem": func(*rapid.T) {
				f := live()
				if f.code == "" {
					rt.Skip("no code")
				}
				out := r.token("grant_type", "authorization_code", "code", f.code)
				if f.access == nil && !f.dead {
					if out.status != 200 {
						rt.Fatalf("a fresh code: %d %v", out.status, out.body)
					}
					f.access, f.refresh = []string{text(out.body["access_token"])}, []string{text(out.body["refresh_token"])}
					return
				}
				if out.status == 200 {
					rt.Fatal("a code worked twice")
				}
				end(f)
			},
			"refresh": func(*rapid.T) {
				f := live()
				if len(f.refresh) == 0 {
					rt.Skip("no refresh token")
				}
				i := rapid.IntRange(0, len(f.refresh)-1).Draw(rt, "which")
				out := r.token("grant_type", "refresh_token", "refresh_token", f.refresh[i])
				switch newest := i == len(f.refresh)-1; {
				case newest && !f.dead && out.status != 200:
					rt.Fatalf("the newest refresh token: %d %v", out.status, out.body)
				case newest && !f.dead:
					f.access, f.refresh = append(f.access, text(out.body["access_token"])), append(f.refresh, text(out.body["refresh_token"]))
				case out.status == 200:
					rt.Fatal("a spent or revoked refresh token worked")
				default:
					end(f)
				}
			},
			"revoke": func(*rapid.T) {
				f := live()
				if len(f.refresh) == 0 {
					rt.Skip("nothing to revoke")
				}
				if out := r.post("/oauth2/revoke", demo, "token", f.refresh[len(f.refresh)-1]); out.status != 200 {
					rt.Fatalf("revocation: %d", out.status)
				}
				end(f)
			},
			"": func(*rapid.T) {
				for _, f := range families {
					for _, a := range f.access {
						if r.works(a) == f.dead {
							rt.Fatalf("an access token works: %v, its family is over: %v", r.works(a), f.dead)
						}
					}
				}
			},
		})
	})
}
