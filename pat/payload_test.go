package pat_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatDoesNotFitIsToldInJacksonsWords(t *testing.T) {
	c := newCalling(t)
	for _, tt := range []struct{ body, message string }{
		{`5`, "Cannot construct instance of `org.hisp.dhis.security.apikey.ApiToken`"},
		{`5.5`, "double/Double-argument"},
		{`true`, "boolean/Boolean-argument"},
		{`""`, `because "token" is null`},
		{`{"code":{}}`, "`java.lang.String` from Object value (token `JsonToken.START_OBJECT`)"},
		{`{"code":[]}`, `(through reference chain: org.hisp.dhis.security.apikey.ApiToken["code"])`},
		{`{"expire":"x"}`, "not a valid `java.lang.Long` value"},
		{`{"expire":false}`, "from Boolean value (token `JsonToken.VALUE_FALSE`)"},
		{`{"expire":{}}`, "`java.lang.Long` from Object value"},
		{`{"expire":1e30}`, "out of range of long"},
		{`{"expire":"99999999999999999999"}`, "not a valid `java.lang.Long` value"},
		{`{"version":2147483648}`, "Numeric value (2147483648) out of range of int (-2147483648 - 2147483647)"},
		{`{"version":"2147483648"}`, "not a valid `java.lang.Integer` value"},
		{`{"type":1.5}`, "not one of the values accepted for Enum class"},
		{`{"type":"NOPE"}`, "not one of the values accepted for Enum class: [PERSONAL_ACCESS_TOKEN_V1, PERSONAL_ACCESS_TOKEN_V2]"},
		{`{"attributes":"x"}`, "Cannot construct instance of `java.util.ArrayList`"},
		{`{"attributes":[{"type":"IpAllowedList","allowedIps":[["x"]]}]}`, `->org.hisp.dhis.security.apikey.IpAllowedList["allowedIps"]->java.util.HashSet[0])`},
		{`{"attributes":[{"type":"MethodAllowedList","allowedMethods":[""]}]}`, "Not a valid http method, value=null"},
		{`{"attributes":[{"type":"ScopeAllowedList","allowedScopes":[null]}]}`, "Not a valid scope, value=null"},
		{`{"attributes":[null]}`, `because "attribute" is null`},
		{`{"code":"x"`, "Unexpected end-of-input"},
		{`nope`, "Unrecognized token 'nope'"},
	} {
		r := c.call(nurse, "POST ", tt.body)
		require.NoError(t, r.err, tt.body)
		require.Equal(t, http.StatusConflict, r.Code, tt.body)
		require.Contains(t, r.get(t, "message"), tt.message, tt.body)
	}
}

func TestWhatJacksonTakesIsTaken(t *testing.T) {
	c := newCalling(t)
	for _, tt := range []struct{ body, shown string }{
		{`{"code":5}`, `"code":"5"`},
		{`{"code":true}`, `"code":"true"`},
		{`{"code":"x","code":null}`, `"attributes":[]`},
		{`{"expire":" 1000 "}`, `"expire":1000`},
		{`{"expire":1.9e3}`, `"expire":1900`},
		{`{"expire":-1.5}`, `"expire":-1`},
		{`{"expire":9223372036854775807}`, `"expire":9223372036854775807`},
		{`{"type":null,"version":null,"attributes":null,"unknown":{"a":[1]}}`, `"type":"PERSONAL_ACCESS_TOKEN_V1"`},
		{`{"type":""}`, `"version":1`},
		{`{"type":"PERSONAL_ACCESS_TOKEN"}`, `"type":"PERSONAL_ACCESS_TOKEN_V1"`},
		{`{"attributes":[{"type":"IpAllowedList"}]}`, `"attributes":[{"type":"IpAllowedList","allowedIps":[]}]`},
		{`{"attributes":[{"type":"IpAllowedList","allowedIps":null}]}`, `"allowedIps":[]`},
		{"\ufeff{} and more", `"attributes":[]`},
	} {
		uid := c.make(nurse, tt.body)
		require.Contains(t, c.call(nurse, "GET /"+uid, "").Body.String(), tt.shown, tt.body)
	}
}

func TestOtherVerbsAndPathsAreRefusedAsDHIS2Does(t *testing.T) {
	c := newCalling(t)
	uid := c.make(nurse, `{}`)
	for do, status := range map[string]int{
		"POST /gist":                               http.StatusMethodNotAllowed,
		"POST /" + uid:                             http.StatusMethodNotAllowed,
		"DELETE ":                                  http.StatusMethodNotAllowed,
		"GET /nouid":                               http.StatusMethodNotAllowed,
		"DELETE /nouid":                            http.StatusBadRequest,
		"GET /nouid/sharing":                       http.StatusBadRequest,
		"GET /" + uid + "/a/b":                     http.StatusNotFound,
		"DELETE /" + uid + "/sharing":              http.StatusMethodNotAllowed,
		"POST /" + uid + "/gist":                   http.StatusMethodNotAllowed,
		"GET /" + uid + "/favorite":                http.StatusMethodNotAllowed,
		"DELETE /" + uid + "/favorite":             http.StatusConflict,
		"GET /" + uid + "/subscriber":              http.StatusMethodNotAllowed,
		"GET /AbcdefghijK/gist":                    http.StatusNotFound,
		"GET /" + uid + "/gist?fields=nothere":     http.StatusBadRequest,
		"GET ?fields=" + strings.Repeat("a[", 200): http.StatusBadRequest,
		"GET /" + uid + "?fields=a)b":              http.StatusBadRequest,
		"OPTIONS /" + uid:                          http.StatusOK,
	} {
		r := c.call(nurse, do, "")
		require.NoError(t, r.err, do)
		require.Equal(t, status, r.Code, do)
	}
	require.Equal(t, http.StatusConflict, c.call(nurse, "POST /"+uid+"/favorite", `{}`).Code)
	require.Equal(t, http.StatusNotFound, c.call(nurse, "PUT /AbcdefghijK/translations", `{}`).Code)
}
