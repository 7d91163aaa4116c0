package pat_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

// calling is the API without anything around it.
type calling struct {
	*issuing
	api *pat.API
	t   testing.TB
}

func newCalling(t testing.TB) *calling {
	t.Helper()
	i := newIssuing(t)
	api, err := pat.NewAPI(pat.APIConfig{Issuer: i.Issuer, PublicURL: func() string { return "https://gw.example.org/dhis" }})
	require.NoError(t, err)
	return &calling{i, api, t}
}

// reply is an answer of the API.
type reply struct {
	*httptest.ResponseRecorder
	err error
}

// get follows names and indices into the JSON body.
func (r reply) get(t testing.TB, path ...any) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(r.Body.Bytes(), &v), r.Body.String())
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

// call sends "METHOD /path" below /api/apiToken. A body makes it JSON, or a patch.
func (c *calling) call(who pat.Caller, do, body string, headers ...string) reply {
	c.t.Helper()
	method, path, _ := strings.Cut(do, " ")
	r := httptest.NewRequest(method, "http://evil.example/dhis/api/41/apiToken"+path, strings.NewReader(body))
	r.URL.Path = strings.TrimPrefix(strings.TrimSuffix(r.URL.Path, ".json"), "/dhis")
	r.URL.Path = strings.Replace(r.URL.Path, "/api/41", "/api", 1)
	r.RequestURI = "/dhis/api/41/apiToken" + path
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == "PATCH" {
		r.Header.Set("Content-Type", "application/json-patch+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	err := c.api.ServeHTTP(w, r, who)
	return reply{w, err}
}

// make creates a token and returns its uid.
func (c *calling) make(who pat.Caller, body string) string {
	c.t.Helper()
	r := c.call(who, "POST ", body)
	require.NoError(c.t, r.err)
	require.Equal(c.t, http.StatusCreated, r.Code, r.Body.String())
	return r.get(c.t, "response", "uid").(string)
}

const twoLimits = `{"attributes":[{"type":"MethodAllowedList","allowedMethods":["get"]},{"type":"ScopeAllowedList","allowedScopes":["me:read","*:read"]}]}`

func TestTheTextOfATokenIsInOneAnswerAndInNoOther(t *testing.T) {
	c := newCalling(t)
	r := c.call(nurse, "POST ", `{"code":"laptop"}`)
	key, uid := r.get(t, "response", "key").(string), r.get(t, "response", "uid").(string)
	tok, err := pat.Parse(key)
	require.NoError(t, err)
	require.Equal(t, "no-store", r.Header().Get("Cache-Control"))
	for _, do := range []string{"GET ", "GET ?fields=*", "GET ?fields=key,hash,secret", "GET /" + uid, "GET /" + uid + "?fields=*,key", "GET /" + uid + "/key",
		"GET /gist?fields=*", "GET /" + uid + "/gist", "GET ?paging=false&fields=:all&filter=code:eq:laptop", "DELETE /" + uid} {
		for _, who := range []pat.Caller{admin, nurse} {
			got := c.call(who, do, "")
			require.NoError(t, got.err)
			require.NotContains(t, got.Body.String(), key[6:], do)
			require.NotContains(t, got.Body.String(), tok.Hash(), do)
		}
	}
}

func TestThroughTheAPITooALimitedTokenMayOnlyReadAndRevoke(t *testing.T) {
	c := newCalling(t)
	uid, other := c.make(nurse, twoLimits), c.make(nurse, `{}`)
	record, err := c.store.TokenByUID(t.Context(), uid)
	require.NoError(t, err)
	limited := using(nurse, record)
	for do, body := range map[string]string{
		"POST ":                         `{}`,
		"PUT /" + uid:                   `{"version":1,"type":"PERSONAL_ACCESS_TOKEN_V1","expire":163465349603200,"attributes":[]}`,
		"PUT /" + other:                 `{"version":1,"type":"PERSONAL_ACCESS_TOKEN_V1","expire":163465349603200}`,
		"PATCH /" + uid:                 `[{"op":"replace","path":"/attributes","value":[]}]`,
		"PATCH /" + other:               `[{"op":"replace","path":"/expire","value":163465349603200}]`,
		"PUT /" + uid + "/sharing":      `{"public":"rw------"}`,
		"PUT /" + uid + "/translations": `{}`,
	} {
		r := c.call(limited, do, body)
		f := fault.From(r.err)
		require.NotNil(t, f, do)
		require.Equal(t, fault.ConstraintScope, f.Reason, do)
		require.Empty(t, r.Body.String(), "nothing is written before the refusal")
	}
	require.Equal(t, http.StatusOK, c.call(limited, "GET /"+uid, "").Code)
	require.Equal(t, http.StatusOK, c.call(limited, "GET ", "").Code)
	require.Equal(t, http.StatusOK, c.call(limited, "DELETE /"+other, "").Code)
	after, err := c.store.TokenByUID(t.Context(), uid)
	require.NoError(t, err)
	require.Equal(t, record, after)
}

func TestAnUnlimitedTokenCannotOutliveItself(t *testing.T) {
	c := newCalling(t)
	end := noon.Add(time.Hour).UnixMilli()
	uid := c.make(nurse, fmt.Sprintf(`{"expire":%d}`, end))
	record, err := c.store.TokenByUID(t.Context(), uid)
	require.NoError(t, err)
	token := using(nurse, record)
	made := c.make(token, `{"expire":163465349603200}`)
	for do, body := range map[string]string{
		"PUT /" + uid:    `{"version":1,"type":"PERSONAL_ACCESS_TOKEN_V1","expire":163465349603200}`,
		"PATCH /" + uid:  `[{"op":"replace","path":"/expire","value":163465349603200}]`,
		"PATCH /" + made: `[{"op":"replace","path":"/expire","value":163465349603200},{"op":"add","path":"/code","value":"x"}]`,
	} {
		require.Equal(t, http.StatusOK, c.call(token, do, body).Code, do)
	}
	for _, u := range []string{uid, made} {
		require.EqualValues(t, end, c.call(nurse, "GET /"+u, "").get(t, "expire"))
	}
}

func TestEveryAttributeIsValidatedHoweverItComesIn(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{}`)
	for value, message := range map[string]string{
		`[{"type":"IpAllowedList","allowedIps":["10.0.0.1"]},{"type":"IpAllowedList","allowedIps":["10.0.0.300"]}]`:     "Not a valid ip address, value=10.0.0.300",
		`[{"type":"MethodAllowedList","allowedMethods":["GET"]},{"type":"MethodAllowedList","allowedMethods":["FLY"]}]`: "Not a valid http method, value=FLY",
		`[{"type":"RefererAllowedList","allowedReferrers":["http://localhost"]}]`:                                       "Not a valid referrer url, value=http://localhost",
		`[{"type":"IpAllowedList","allowedIps":[null]}]`:                                                                "is null",
		`[{"type":"ScopeAllowedList","allowedScopes":["dataStore/x:fly"]}]`:                                             "scope",
	} {
		for do, body := range map[string]string{
			"POST ":         `{"attributes":` + value + `}`,
			"PUT /" + uid:   `{"version":1,"type":"PERSONAL_ACCESS_TOKEN","expire":1,"attributes":` + value + `}`,
			"PATCH /" + uid: `[{"op":"replace","path":"/attributes","value":` + value + `}]`,
		} {
			r := c.call(nurse, do, body)
			require.Equal(t, http.StatusConflict, r.Code, do+body)
			require.Equal(t, "E1004", r.get(t, "errorCode"))
			require.Contains(t, r.get(t, "message"), "Failed to validate the token's attributes, message: ")
			require.Contains(t, r.get(t, "message"), message)
		}
	}
	require.Empty(t, c.call(nurse, "GET /"+uid, "").get(t, "attributes"))
}

func TestAttributesAreShownAsTheyAreKept(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, twoLimits)
	require.JSONEq(t, `{"attributes":[{"type":"MethodAllowedList","allowedMethods":["GET"]},{"type":"ScopeAllowedList","allowedScopes":["me:read","*:read"]}]}`,
		c.call(nurse, "GET /"+uid+"?fields=attributes", "").Body.String())
}

func TestLastUseIsGivenOnlyWhenItIsNamed(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{}`)
	require.NoError(t, c.store.TouchTokens(t.Context(), []pat.Use{{UID: uid, At: noon.Add(time.Second), From: "10.0.0.1"}}))
	for _, do := range []string{"GET /" + uid, "GET /" + uid + "?fields=*", "GET ?fields=:all"} {
		require.NotContains(t, c.call(nurse, do, "").Body.String(), "lastUsed", do)
	}
	require.JSONEq(t, `{"lastUsed":"2026-11-24T12:00:01.000","lastUsedFrom":"10.0.0.1"}`, c.call(nurse, "GET /"+uid+"?fields=lastUsed,lastUsedFrom", "").Body.String())
	require.Equal(t, "10.0.0.1", c.call(nurse, "GET ?fields=id,lastUsedFrom", "").get(t, "apiToken", 0, "lastUsedFrom"))
}

func TestWhoHasADocumentAlreadyGets304(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{}`)
	tag := c.call(nurse, "GET /"+uid, "").Header().Get("ETag")
	require.Regexp(t, `^"0[0-9a-f]{32}"$`, tag)
	r := c.call(nurse, "GET /"+uid, "", "If-None-Match", `"x", W/`+tag)
	require.Equal(t, http.StatusNotModified, r.Code)
	require.Empty(t, r.Body.String())
	require.Equal(t, http.StatusOK, c.call(nurse, "GET /"+uid, "", "If-None-Match", `"x"`).Code)
	c.call(nurse, "PATCH /"+uid, `[{"op":"add","path":"/code","value":"new"}]`)
	require.Equal(t, http.StatusOK, c.call(nurse, "GET /"+uid, "", "If-None-Match", tag).Code)
}

func TestLinksAreMadeOfThePublicURLAlone(t *testing.T) {
	c := newCalling(t)
	r := c.call(nurse, "POST ", `{}`, "X-Forwarded-Host", "evil.example", "Host", "evil.example")
	require.Regexp(t, `^https://gw\.example\.org/dhis/api/apiToken/[A-Za-z0-9]{11}$`, r.Header().Get("Location"))
	c.make(nurse, `{}`)
	for _, do := range []string{"GET ?fields=id&pageSize=1", "GET ?pageSize=1", "GET ?fields=href"} {
		got := c.call(nurse, do, "").Body.String()
		require.Contains(t, got, "https://gw.example.org/dhis/api/")
		require.NotContains(t, got, "evil")
	}
	require.Equal(t, "https://gw.example.org/dhis/api/41/apiToken?fields=id&pageSize=1&page=2", c.call(nurse, "GET ?fields=id&pageSize=1", "").get(t, "pager", "nextPage"))
}

func TestJSONIsTheOneForm(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{}`)
	for _, accept := range []string{"application/xml", "text/html", "text/csv;q=0.9, application/json;q=0"} {
		require.Equal(t, http.StatusNotAcceptable, c.call(nurse, "GET /"+uid, "", "Accept", accept).Code, accept)
		require.Equal(t, http.StatusNotAcceptable, c.call(nurse, "POST ", `{}`, "Accept", accept).Code, accept)
	}
	for _, accept := range []string{"", "*/*", "application/*", "text/html, application/json;q=0.1", "application/vnd.x+json"} {
		require.Equal(t, http.StatusOK, c.call(nurse, "GET /"+uid, "", "Accept", accept).Code, accept)
	}
	n, err := c.store.CountTokens(t.Context(), pat.Filter{})
	require.NoError(t, err)
	require.Equal(t, 1, n, "no token was made whose text would not arrive")
}

func TestACodeHasAtMostFiftyCharactersAndOneToken(t *testing.T) {
	c := newCalling(t)
	c.make(nurse, `{"code":"`+strings.Repeat("é", 50)+`"}`)
	for _, code := range []string{strings.Repeat("x", 51), strings.Repeat("😀", 26), `a\u0000b`} {
		r := c.call(nurse, "POST ", `{"code":"`+code+`"}`)
		require.Equal(t, http.StatusConflict, r.Code)
		require.Contains(t, r.Body.String(), "roperty `code`")
	}
}

func TestACodeIsTakenWhoeverHasIt(t *testing.T) {
	c := newCalling(t)
	first, second := c.make(nurse, `{"code":"a"}`), c.make(doctor, `{"code":"b"}`)
	for do, body := range map[string]string{
		"POST ":            `{"code":"a"}`,
		"PUT /" + second:   `{"code":"a","version":1,"type":"PERSONAL_ACCESS_TOKEN_V1","expire":1}`,
		"PATCH /" + second: `[{"op":"replace","path":"/code","value":"a"}]`,
	} {
		r := c.call(doctor, do, body)
		require.Equal(t, http.StatusConflict, r.Code, do)
		require.Equal(t, "E5003", r.get(t, "response", "errorReports", 0, "errorCode"))
		require.Equal(t, first, r.get(t, "response", "errorReports", 0, "mainId"))
	}
}

func TestALongListIsPagedAndFilteredWhole(t *testing.T) {
	c := newCalling(t)
	for n := range 1100 {
		tok, err := pat.Mint(rand.Reader, "d2pat")
		require.NoError(t, err)
		r := pat.Record{UID: fmt.Sprintf("T%010d", n), Code: fmt.Sprintf("c%04d", n), Created: noon.Add(time.Duration(n/3) * time.Millisecond),
			LastUpdated: noon, Owner: pat.Owner{UID: nurse.UID, Username: nurse.Username}, Type: pat.TypeV1, Version: 1}
		require.NoError(t, c.store.PutToken(t.Context(), r, tok.Hash()))
	}
	r := c.call(nurse, "GET ?page=3&pageSize=500&fields=id,code,attributes", "")
	require.Len(t, r.get(t, "apiToken"), 100)
	require.EqualValues(t, 1100, r.get(t, "pager", "total"))
	require.Equal(t, "c0000", r.get(t, "apiToken", 99, "code"), "the newest come first")
	r = c.call(admin, "GET ?filter=code:like:9&order=code:desc&pageSize=3&fields=code,attributes", "")
	require.EqualValues(t, 290, r.get(t, "pager", "total"))
	require.Equal(t, "c1099", r.get(t, "apiToken", 0, "code"))
	r = c.call(admin, "GET ?filter=code:eq:c0042&fields=code", "")
	require.Len(t, r.get(t, "apiToken"), 1)
	require.Len(t, c.call(nurse, "GET ?paging=false&filter=createdBy.id:eq:"+nurse.UID, "").get(t, "apiToken"), 1100)
	require.Empty(t, c.call(doctor, "GET ?paging=false", "").get(t, "apiToken"))
	require.Empty(t, c.call(nurse, "GET ?pageSize=0", "").get(t, "apiToken"))
}

func TestAPatchReachesInsideAndFailsWhole(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{"code":"a","attributes":[{"type":"IpAllowedList","allowedIps":["10.0.0.1"]}]}`)
	ok := c.call(nurse, "PATCH /"+uid, `[{"op":"add","path":"/attributes/0/allowedIps/-","value":"10.0.0.2"},{"op":"remove","path":"/code"},
		{"op":"add","path":"/attributes/0","value":{"type":"MethodAllowedList","allowedMethods":["post"]}},{"op":"remove","path":"/attributes/0/allowedMethods"}]`)
	require.Equal(t, http.StatusOK, ok.Code, ok.Body.String())
	got := c.call(nurse, "GET /"+uid+"?fields=code,attributes", "").Body.String()
	require.NotContains(t, got, "code")
	require.Contains(t, got, "10.0.0.2")
	for _, bad := range []string{
		`[{"op":"replace","path":"/code","value":"b"},{"op":"replace","path":"/attributes/7","value":1}]`,
		`[{"op":"replace","path":"/code","value":"b"},{"op":"add","path":"/attributes/-1","value":1}]`,
		`[{"op":"replace","path":"/code","value":"b"},{"op":"replace","path":"/code/x/y","value":1}]`,
		`[{"op":"replace","path":"code","value":"b"}]`, `[{"op":"replace","value":"b"}]`, `[{"path":"/code"}]`, `[1]`, `["add"]`, `{}`, `"x"`, `[{"op":"copy","path":"/code"}]`,
	} {
		r := c.call(nurse, "PATCH /"+uid, bad)
		require.NoError(t, r.err)
		require.Equal(t, http.StatusBadRequest, r.Code, bad)
	}
	require.Equal(t, got, c.call(nurse, "GET /"+uid+"?fields=code,attributes", "").Body.String())
}

func TestATokenWithoutEndMayBePatchedAndStaysSo(t *testing.T) {
	c := newCalling(t)
	require.NoError(t, c.store.PutToken(t.Context(), pat.Record{UID: "Token000001", Created: noon, LastUpdated: noon, Type: pat.TypeV1, Version: 1,
		Owner: pat.Owner{UID: nurse.UID, Username: nurse.Username}}, "aa"))
	require.Equal(t, http.StatusOK, c.call(nurse, "PATCH /Token000001", `[{"op":"add","path":"/code","value":"x"}]`).Code)
	require.NotContains(t, c.call(nurse, "GET /Token000001", "").Body.String(), "expire")
}

func TestTheOperatorsRulesAreToldAsAConflict(t *testing.T) {
	c := newCalling(t)
	c.settings.MaxExpiry = time.Hour
	r := c.call(nurse, "POST ", `{"expire":163465349603200}`)
	require.Equal(t, http.StatusConflict, r.Code)
	require.Contains(t, r.get(t, "message"), "Tokens may be valid for at most 1h0m0s here")
	require.Equal(t, "E1004", r.get(t, "errorCode"))
}

func TestSharingIsCheckedAndKeepsTheOwner(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{}`)
	for body, status := range map[string]int{
		`{"owner":"uidOfDoctor","public":"r-------","users":{"uidOfDoctor":{"access":"rw------"}}}`: http.StatusNoContent,
		`{"public":"everything"}`: http.StatusConflict, `{"users":{"x":{"access":"r-------"}}}`: http.StatusConflict, `{"users":[]}`: http.StatusConflict, `{`: http.StatusConflict,
	} {
		require.Equal(t, status, c.call(nurse, "PUT /"+uid+"/sharing", body).Code, body)
	}
	require.JSONEq(t, `{"sharing":{"owner":"uidOfNurse1","public":"r-------","users":{"uidOfDoctor":{"id":"uidOfDoctor","access":"rw------"}},"userGroups":{}}}`,
		c.call(doctor, "GET /"+uid+"/sharing", "").Body.String())
	require.Equal(t, http.StatusNotFound, c.call(doctor, "PUT /AbcdefghijK/sharing", `{}`).Code)
}

func TestABodyIsBoundedAndABrokenOneIsTheCallersFault(t *testing.T) {
	c := newCalling(t)
	r := c.call(nurse, "POST ", `{"code":"`+strings.Repeat("x", 1<<20)+`"}`)
	require.Equal(t, fault.BodyTooLarge, fault.From(r.err).Reason)
	req := httptest.NewRequest("POST", "/api/apiToken", io.MultiReader(strings.NewReader(`{`), brokenReader{}))
	req.Header.Set("Content-Type", "application/json")
	err := c.api.ServeHTTP(httptest.NewRecorder(), req, nurse)
	require.Equal(t, fault.RequestMalformed, fault.From(err).Reason)
	r = c.call(nurse, "POST ", strings.Repeat("[", 100_000))
	require.NoError(t, r.err)
	require.Equal(t, http.StatusConflict, r.Code)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type gone struct{ pat.Store }

func (gone) TokenByUID(context.Context, string) (pat.Record, error) { return pat.Record{}, errGone }
func (gone) CountTokens(context.Context, pat.Filter) (int, error)   { return 0, errGone }
func (gone) PutToken(context.Context, pat.Record, string) error     { return errGone }
func (gone) Tokens(context.Context, pat.Filter) ([]pat.Record, error) {
	return nil, errGone
}
func (gone) EditToken(context.Context, string, func(*pat.Record) error) (pat.Record, error) {
	return pat.Record{}, errGone
}

func TestWithTheStoreGoneEveryAnswerIs503(t *testing.T) {
	issuer, err := pat.NewIssuer(pat.IssuerConfig{Store: gone{}, Random: rand.Reader})
	require.NoError(t, err)
	api, err := pat.NewAPI(pat.APIConfig{Issuer: issuer})
	require.NoError(t, err)
	c := &calling{nil, api, t}
	for do, body := range map[string]string{
		"GET ": "", "GET ?filter=code:like:x": "", "GET /AbcdefghijK": "", "POST ": `{}`, "DELETE /AbcdefghijK": "",
		"PATCH /AbcdefghijK": `[]`, "PUT /AbcdefghijK": `{"version":1,"type":"PERSONAL_ACCESS_TOKEN_V1","expire":1}`,
	} {
		f := fault.From(c.call(nurse, do, body).err)
		require.NotNil(t, f, do)
		require.Equal(t, fault.StoreUnavailable, f.Reason, do)
	}
}

func TestAnAPINeedsAnIssuer(t *testing.T) {
	_, err := pat.NewAPI(pat.APIConfig{})
	require.Error(t, err)
}
