package oauth2server_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/oauth2server"
)

// rows are all rows of the OAuth2 tables, so that two states can be compared.
func (r *rig) rows() string {
	r.t.Helper()
	db, err := sql.Open("sqlite", "file:"+r.file+"?mode=ro") // beside the store, whose process it is
	require.NoError(r.t, err)
	defer db.Close()
	tables, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'oauth2%' ORDER BY name`)
	require.NoError(r.t, err)
	var names []string
	for tables.Next() {
		var n string
		require.NoError(r.t, tables.Scan(&n))
		names = append(names, n)
	}
	require.NoError(r.t, tables.Err())
	require.Greater(r.t, len(names), 3)
	var b strings.Builder
	for _, n := range names {
		rows, err := db.Query(`SELECT * FROM ` + n + ` ORDER BY 1`) // a name from the schema
		require.NoError(r.t, err)
		columns, err := rows.Columns()
		require.NoError(r.t, err)
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			require.NoError(r.t, rows.Scan(cells...))
			fmt.Fprintf(&b, "%s:", n)
			for _, c := range cells {
				fmt.Fprintf(&b, " %v", *c.(*any))
			}
			b.WriteByte('\n')
		}
		require.NoError(r.t, rows.Err())
	}
	return b.String()
}

// TestARefusalLeavesTheStoreAsItWas: whatever is wrong with a request, the answer is
// an RFC 6749 error below 500, nothing is issued and nothing is spent.
func TestARefusalLeavesTheStoreAsItWas(t *testing.T) {
	r := newRig(t)
	r.client("other", "7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "authorization_code", "refresh_token")
	tokens, code := r.password().body, r.code()
	refresh := text(tokens["refresh_token"])
	const other = "other:7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11"
	raw := func(method, contentType, body string) func() reply {
		return func() reply {
			q := httptest.NewRequest(method, "/oauth2/token", strings.NewReader(body))
			q.Header.Set("Content-Type", contentType)
			q.SetBasicAuth("demo", documentedSecret)
			return r.do(q)
		}
	}
	form := func(basic string, pairs ...string) func() reply {
		return func() reply { return r.post("/oauth2/token", basic, pairs...) }
	}
	const urlencoded = "application/x-www-form-urlencoded"
	for name, ask := range map[string]func() reply{
		"a wrong secret with a good code":       form("demo:wrong", "grant_type", "authorization_code", "code", code),
		"an unknown client with a good code":    form("nobody:x", "grant_type", "authorization_code", "code", code),
		"another client's code":                 form(other, "grant_type", "authorization_code", "code", code),
		"a verifier without a challenge":        form(demo, "grant_type", "authorization_code", "code", code, "code_verifier", strings.Repeat("v", 43)),
		"a code for another address":            form(demo, "grant_type", "authorization_code", "code", code, "redirect_uri", "http://www.example.org/"),
		"another client's refresh token":        form(other, "grant_type", "refresh_token", "refresh_token", refresh),
		"an access token for a refresh":         form(demo, "grant_type", "refresh_token", "refresh_token", text(tokens["access_token"])),
		"a code for a refresh":                  form(demo, "grant_type", "refresh_token", "refresh_token", code),
		"a refresh with a wider scope":          form(demo, "grant_type", "refresh_token", "refresh_token", refresh, "scope", "ALL more"),
		"a refresh token with a blank":          form(demo, "grant_type", "refresh_token", "refresh_token", refresh+" "),
		"a prefix of a refresh token":           form(demo, "grant_type", "refresh_token", "refresh_token", refresh[:35]),
		"a wrong password":                      form(demo, "grant_type", "password", "username", "admin", "password", "wrong"),
		"a NUL in the name":                     form(demo, "grant_type", "password", "username", "admin\x00", "password", "district"),
		"an unknown grant":                      form(demo, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", "x"),
		"implicit":                              form(demo, "grant_type", "implicit"),
		"both client authentications":           form(demo, "grant_type", "password", "client_id", "demo", "client_secret", documentedSecret),
		"another client named in the form":      form(demo, "grant_type", "password", "client_id", "other"),
		"a grant that the client has not":       form(other, "grant_type", "password", "username", "admin", "password", "district"),
		"the code twice":                        form(demo, "grant_type", "authorization_code", "code", code, "code", code),
		"the grant twice":                       raw("POST", urlencoded, "grant_type=refresh_token&grant_type=password&refresh_token="+refresh),
		"a parameter twice in another encoding": raw("POST", urlencoded, "grant_type=refresh_token&refresh_token="+refresh+"&refresh%5ftoken="+refresh),
		"a broken escape":                       raw("POST", urlencoded, "grant_type=refresh_token&refresh_token="+refresh+"&x=%zz"),
		"a semicolon":                           raw("POST", urlencoded, "grant_type=refresh_token;refresh_token="+refresh),
		"JSON":                                  raw("POST", "application/json", `{"grant_type":"refresh_token","refresh_token":"`+refresh+`"}`),
		"multipart":                             raw("POST", "multipart/form-data; boundary=x", "--x--"),
		"no type":                               raw("POST", "", "grant_type=refresh_token&refresh_token="+refresh),
		"GET":                                   raw("GET", urlencoded, "grant_type=refresh_token&refresh_token="+refresh),
		"a body over 1 MiB":                     raw("POST", urlencoded, "grant_type=refresh_token&refresh_token="+refresh+"&x="+strings.Repeat("x", 1<<20)),
		"too many parameters":                   raw("POST", urlencoded, "grant_type=refresh_token&refresh_token="+refresh+strings.Repeat("&a=", 200)),
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			before := r.rows()
			out := ask()
			require.GreaterOrEqual(t, out.status, 400)
			require.Less(t, out.status, 500)
			require.NotEmpty(t, out.body["error"])
			require.NotContains(t, out.body, "access_token")
			require.Empty(t, out.header.Get("Location"))
			require.Equal(t, before, r.rows())
		})
	}
	r.t = t
	require.Equal(t, 200, r.token("grant_type", "authorization_code", "code", code).status, "the code is as good as ever")
	require.Equal(t, 200, r.token("grant_type", "refresh_token", "refresh_token", refresh).status, "and the refresh token")
}

func TestARedirectURIIsCheckedAtRegistration(t *testing.T) {
	for uri, good := range map[string]bool{
		"https://a.example/cb": true, "http://www.example.org": true, "https://a.example/cb?x=1": true, "http://127.0.0.1/cb": true, "http://[::1]:8080/cb": true,
		"org.example.app:/callback": true,
		"":                          false, "a.example": false, "/cb": false, "//a.example/cb": false, "https://": false, "https:///cb": false, "https://a.example/#": false,
		"https://u@a.example/": false, "https://u:p@a.example/": false, "https://*.a.example/": false, "https://a.example/*": false,
		"javascript:alert(1)": false, "data:text/html,x": false, "file:///etc/passwd": false, "intent://x#Intent;end": false, "app:/cb": false,
		"https://a.example/ cb": false, "https://a.example\\@b.example/": false, "https://a.example/\n": false, "https://a.example/%zz": false,
	} {
		require.Equal(t, good, oauth2server.CheckRedirectURI(uri) == "", "%q: %s", uri, oauth2server.CheckRedirectURI(uri))
	}
}

// TestALoopbackPortMayVaryForPublicClientsOnly: RFC 8252 7.3.
func TestALoopbackPortMayVaryForPublicClientsOnly(t *testing.T) {
	r := newRig(t)
	r.signedIn = "admin"
	for cid, secret := range map[string]string{"native": "", "web": "6b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11"} {
		r.client(cid, secret, "authorization_code")
		c, err := r.st.ClientByCID(t.Context(), cid)
		require.NoError(t, err)
		c.RedirectURIs = []string{"http://127.0.0.1/cb", "https://a.example:8443/cb"}
		require.NoError(t, r.st.UpdateClient(t.Context(), c))
	}
	sum := sha256.Sum256([]byte(strings.Repeat("v", 43)))
	ask := func(cid, redirect string) int {
		q := url.Values{"client_id": {cid}, "response_type": {"code"}, "redirect_uri": {redirect},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
		return r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?"+q.Encode(), nil)).status
	}
	require.Equal(t, 200, ask("native", "http://127.0.0.1:51234/cb"))
	require.Equal(t, 400, ask("web", "http://127.0.0.1:51234/cb"))
	require.Equal(t, 400, ask("native", "http://127.0.0.1:51234/other"))
	require.Equal(t, 400, ask("native", "http://127.0.0.1:51234/cb?x=1"))
	require.Equal(t, 400, ask("native", "http://127.0.0.2:51234/cb"))
	require.Equal(t, 400, ask("native", "http://localhost:51234/cb"))
	require.Equal(t, 400, ask("native", "https://127.0.0.1:51234/cb"))
	require.Equal(t, 400, ask("native", "http://u@127.0.0.1:51234/cb"))
	require.Equal(t, 400, ask("native", "https://a.example:9443/cb"), "only on loopback")
}

// TestClientIDAndSecretInBasicAreFormDecoded: RFC 6749 2.3.1.
func TestClientIDAndSecretInBasicAreFormDecoded(t *testing.T) {
	r := newRig(t)
	const secret = "a+b/c%d e=f&gh-36-characters-long-xy"
	require.Len(t, secret, 36)
	r.client("with space", secret, "password")
	ask := func(id, sec string) int {
		q := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader("grant_type=password&username=admin&password=district"))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.SetBasicAuth(id, sec)
		return r.do(q).status
	}
	require.Equal(t, 200, ask(url.QueryEscape("with space"), url.QueryEscape(secret)))
	require.Equal(t, 401, ask("with space", "%zz"))
	require.Equal(t, 401, ask(url.QueryEscape("with space"), url.QueryEscape(secret)+"x"))
}

// TestAnUnknownClientCostsAsMuchAsAWrongSecret, so that nobody learns by time who is
// registered. The fastest of several is compared: other work only adds.
func TestAnUnknownClientCostsAsMuchAsAWrongSecret(t *testing.T) {
	r := newRig(t)
	fastest := func(cid string) time.Duration {
		var took []time.Duration
		for range 5 {
			start := time.Now()
			r.post("/oauth2/token", cid+":wrong", "grant_type", "password").refused(t, 401, "invalid_client", "Bad client credentials")
			took = append(took, time.Since(start))
		}
		return slices.Min(took)
	}
	known, unknown := fastest("demo"), fastest("nobody")
	require.Greater(t, unknown*4, known, "known %v, unknown %v", known, unknown)
	require.Greater(t, known*4, unknown, "known %v, unknown %v", known, unknown)
}

func TestTheMetadataSaysWhatHoldsWhateverHostIsAsked(t *testing.T) {
	r := newRig(t)
	q := httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", nil)
	q.Host = "evil.example"
	q.Header.Set("X-Forwarded-Host", "evil.example")
	q.Header.Set("Forwarded", "host=evil.example")
	m := r.do(q).body
	require.Equal(t, r.issuer, m["issuer"])
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"} {
		require.Contains(t, m[name], r.issuer+"/", name)
	}
	require.Equal(t, true, m["authorization_response_iss_parameter_supported"])
	require.Equal(t, []any{"S256"}, m["code_challenge_methods_supported"])
	require.Equal(t, []any{"code"}, m["response_types_supported"])
	require.NotContains(t, m["grant_types_supported"], "implicit")
}
