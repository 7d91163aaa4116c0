package oauth2server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/oauth2server"
)

// office is the client API over a rig's store.
type office struct {
	*rig
	api    *oauth2server.ClientsAPI
	caller oauth2server.ClientCaller
}

func newOffice(t *testing.T) *office {
	r := newRig(t)
	reg, err := oauth2server.NewRegistry(oauth2server.RegistryConfig{Store: r.st, Changed: r.verifier.Forget, Now: r.clock})
	require.NoError(t, err)
	api, err := oauth2server.NewClientsAPI(oauth2server.ClientsAPIConfig{Registry: reg, PublicURL: func() string { return "https://gw.example" }})
	require.NoError(t, err)
	boss := owner
	boss.Authorities = []string{oauth2server.ManageClients}
	return &office{r, api, oauth2server.ClientCaller{Owner: boss}}
}

func (o *office) ask(method, path, body string) (int, string, error) {
	w := httptest.NewRecorder()
	q := httptest.NewRequest(method, "/api/oAuth2Clients"+path, strings.NewReader(body))
	err := o.api.ServeHTTP(w, q, o.caller)
	return w.Code, w.Body.String(), err
}

// answers asks and demands a status and, in the body, some texts.
func (o *office) answers(status int, method, path, body string, has ...string) string {
	o.t.Helper()
	code, text, err := o.ask(method, path, body)
	require.NoError(o.t, err)
	require.Equal(o.t, status, code, text)
	for _, h := range has {
		require.Contains(o.t, text, h)
	}
	return text
}

const chosenSecret = "a secret that a person chose, 36 char"

func TestAClientsSecretGoesInAndNeverComesOut(t *testing.T) {
	o := newOffice(t)
	secret := chosenSecret[:36]
	o.answers(201, "POST", "", `{"id":"clientUID01","name":"App","cid":"app","secret":"`+secret+`","grantTypes":["password"]}`, "clientUID01")
	for _, path := range []string{"", "?fields=*&paging=false", "?fields=secret", "/clientUID01", "/clientUID01?fields=:owner,secret,*"} {
		text := o.answers(200, "GET", path, "")
		require.NotContains(t, text, secret)
		require.NotContains(t, text, "bcrypt")
		require.NotContains(t, text, `"secret":`)
	}
	stored, err := o.st.ClientByCID(t.Context(), "app")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(stored.SecretHash, "bcrypt:"), "what a person may have chosen gets a slow hash")
	require.Equal(t, owner.UID, stored.UpdatedBy.UID)
}

func TestWhatIsWrongWithAClientIsAConflictAndNothingIsStored(t *testing.T) {
	o := newOffice(t)
	uri := func(u string) string { return `{"name":"n","cid":"c","redirectUris":["` + u + `"]}` }
	for name, tt := range map[string]struct{ body, has string }{
		"a secret that is too short":      {`{"name":"n","cid":"c","secret":"short"}`, `"E4002"`},
		"a secret that is too long":       {`{"name":"n","cid":"c","secret":"` + chosenSecret + `"}`, `"E4002"`},
		"no cid":                          {`{"name":"n"}`, `"E4000"`},
		"no name":                         {`{"cid":"c"}`, `"E4000"`},
		"a name that is too long":         {`{"cid":"c","name":"` + strings.Repeat("x", 231) + `"}`, `"E4001"`},
		"a cid that Basic cannot carry":   {`{"cid":"a:b","name":"n"}`, "colon"},
		"a cid that is taken":             {`{"name":"n","cid":"demo"}`, `"E5003"`},
		"a name that is taken":            {`{"name":"demo","cid":"other"}`, `"errorProperty":"name"`},
		"a redirect URI without scheme":   {uri("www.example.org"), "is not an absolute URI"},
		"a redirect URI with a fragment":  {uri("https://a.example/#x"), "has a fragment"},
		"a redirect URI with a user":      {uri("https://u:p@a.example/"), "holds a user name"},
		"a redirect URI with a wildcard":  {uri("https://*.example/"), "holds a wildcard"},
		"a redirect URI that runs script": {uri("javascript:alert(1)"), "scheme"},
		"a uid that is none":              {`{"id":"x","name":"n","cid":"c"}`, `"E4014"`},
		"a list where a text belongs":     {`{"name":["n"],"cid":"c"}`, "name"},
		"no JSON":                         {`{`, `"status":"ERROR"`},
		"an empty body":                   {``, `"status":"ERROR"`},
	} {
		t.Run(name, func(t *testing.T) {
			o.t = t
			text := o.answers(409, "POST", "", tt.body, tt.has)
			require.NotContains(t, text, chosenSecret)
			all, err := o.st.Clients(t.Context())
			require.NoError(t, err)
			require.Len(t, all, 1)
		})
	}
}

func TestOnlyTheAuthorityForClientsOpensTheClientAPI(t *testing.T) {
	o := newOffice(t)
	for _, authorities := range [][]string{nil, {"F_OTHER"}} {
		o.caller.Owner.Authorities = authorities
		o.answers(403, "GET", "", "", "read objects of this type", "E1006")
		o.answers(403, "GET", "/clientUID01", "", "read objects of this type")
		o.answers(403, "POST", "", `{"name":"n","cid":"c"}`, "create this object")
		o.answers(403, "PUT", "/uiddemo", `{"name":"n","cid":"c"}`, "update this object")
		o.answers(403, "DELETE", "/uiddemo", "", "delete this object")
	}
	o.caller.Owner.Authorities = []string{"ALL"}
	o.answers(200, "GET", "/uiddemo", "")
}

// TestATokenWithLimitsOrABearerChangesNoClient: a client is a way to more tokens.
func TestATokenWithLimitsOrABearerChangesNoClient(t *testing.T) {
	o := newOffice(t)
	for _, c := range []oauth2server.ClientCaller{{Bearer: true}, {Limited: true}} {
		c.Owner = o.caller.Owner
		o.caller = c
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			path := "/uiddemo"
			if method == "POST" {
				path = ""
			}
			_, text, err := o.ask(method, path, `{"name":"n","cid":"c"}`)
			f := fault.From(err)
			require.NotNil(t, f, method)
			require.Equal(t, fault.ConstraintScope, f.Reason)
			require.Empty(t, text)
		}
		o.answers(200, "GET", "/uiddemo", "")
	}
}

func TestReplacingAClientKeepsItsSecretAndItsCid(t *testing.T) {
	o := newOffice(t)
	before, err := o.st.ClientByCID(t.Context(), "demo")
	require.NoError(t, err)
	o.answers(200, "PUT", "/uiddemo", `{"name":"Demo 2","cid":"demo","grantTypes":["password"]}`, "uiddemo")
	after, err := o.st.ClientByCID(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, before.SecretHash, after.SecretHash, "nobody can read it to send it back")
	require.Equal(t, []string{"password"}, after.GrantTypes)
	require.Empty(t, after.RedirectURIs)
	o.answers(409, "PUT", "/uiddemo", `{"name":"Demo 2","cid":"stolen"}`, "cannot change")
	o.answers(409, "PATCH", "/uiddemo", `[{"op":"replace","path":"/cid","value":"stolen"}]`, "cannot change")
	o.answers(404, "PUT", "/nobodyAtAll", `{"name":"n","cid":"c"}`, "E1005")
}

func TestAPatchChangesWhatItNames(t *testing.T) {
	o := newOffice(t)
	patch := func(status int, ops string) string { return o.answers(status, "PATCH", "/uiddemo", ops) }
	patch(200, `[{"op":"replace","path":"/name","value":"New"},{"op":"add","path":"/redirectUris/-","value":"https://b.example/cb"}]`)
	c, err := o.st.ClientByUID(t.Context(), "uiddemo")
	require.NoError(t, err)
	require.Equal(t, "New", c.Name)
	require.Equal(t, []string{"http://www.example.org", "https://b.example/cb"}, c.RedirectURIs)
	require.Equal(t, 200, o.token("grant_type", "password", "username", "admin", "password", "district").status)

	patch(409, `[{"op":"add","path":"/redirectUris/-","value":"data:text/html,x"}]`)
	patch(409, `[{"op":"replace","path":"/secret","value":"short"}]`)
	patch(400, `[{"op":"replace","path":"/nothing","value":"x"}]`)
	patch(400, `{"op":"replace"}`)
	patch(200, `[{"op":"replace","path":"/secret","value":"`+chosenSecret[:36]+`"}]`)
	require.Equal(t, 401, o.token("grant_type", "password", "username", "admin", "password", "district").status, "the old secret is over")
	patch(200, `[{"op":"remove","path":"/secret"}]`)
	c, err = o.st.ClientByUID(t.Context(), "uiddemo")
	require.NoError(t, err)
	require.True(t, c.Public())
}

func TestDeletingAClientEndsItsTokensAtOnce(t *testing.T) {
	o := newOffice(t)
	tokens := o.password().body
	require.True(t, o.works(text(tokens["access_token"])))
	o.answers(200, "DELETE", "/uiddemo", "")
	require.False(t, o.works(text(tokens["access_token"])))
	require.Equal(t, 401, o.token("grant_type", "refresh_token", "refresh_token", text(tokens["refresh_token"])).status)
	o.answers(404, "DELETE", "/uiddemo", "", "OAuth2Client with id uiddemo could not be found.")
}

func TestTheClientListIsFilteredAndPagedAsDHIS2Does(t *testing.T) {
	o := newOffice(t)
	for _, n := range []string{"a", "b", "c"} {
		o.answers(201, "POST", "", `{"name":"`+n+`","cid":"cid-`+n+`"}`)
	}
	o.answers(200, "GET", "?filter=cid:like:cid-&fields=cid&pageSize=2&order=cid:desc", "",
		`"pager":{"page":1,"total":3,"pageSize":2`, `"oAuth2Clients":[{"cid":"cid-c"},{"cid":"cid-b"}]`)
	o.answers(400, "GET", "?filter=nothere:eq:1", "")
	o.answers(405, "PATCH", "", "")
	o.answers(405, "POST", "/uiddemo", "")
	o.answers(404, "GET", "/uiddemo/secret", "")
}

func TestAClientBodyThatIsTooLargeIsNotRead(t *testing.T) {
	o := newOffice(t)
	w := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodPost, "/api/oAuth2Clients", io.LimitReader(zeros{}, 1<<30))
	err := o.api.ServeHTTP(w, q, o.caller)
	require.Equal(t, fault.BodyTooLarge, fault.From(err).Reason)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
