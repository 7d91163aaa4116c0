package proxy_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/constraints"
)

func TestListsShowOnlyWhatTheTokenMaySee(t *testing.T) {
	answer := `["public-a", "secret", "ns", "public-\"q<\u00e9"]`
	status := 200
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"all"`)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}})
	auth := "Authorization: ApiToken " + r.token("nurse", limit(t, constraints.ScopeAllowedList, "dataStore/public-*:read", "dataStore/ns/k*:read"))
	free := "Authorization: ApiToken " + r.token("nurse")
	a := r.send("GET /api/41/dataStore.json", auth, "Accept-Encoding: gzip", `If-None-Match: "all"`)
	require.Equal(t, 200, a.status)
	require.JSONEq(t, `["public-a","ns","public-\"q<é"]`, a.body)
	require.Empty(t, a.header.Get("ETag"))
	got := r.got()[0].Header
	require.Empty(t, got.Get("If-None-Match"))
	require.Empty(t, got.Get("Accept-Encoding"))
	require.Equal(t, answer, r.send("GET /api/dataStore", free).body, "who has no scope gets the bytes as they are")

	answer = `["k1","x","k2"]`
	require.JSONEq(t, `["k1","k2"]`, r.send("GET /api/dataStore/ns", auth).body)
	require.JSONEq(t, `["k1","k2"]`, r.send("GET /api/dataStore/ns/keys", auth).body)
	require.JSONEq(t, `["k1","x","k2"]`, r.send("GET /api/dataStore/public-a", auth).body)
	answer = `[]`
	require.JSONEq(t, `[]`, r.send("GET /api/dataStore/ns", auth).body)
	answer = `{"entries":[{"key":"x"}]}`
	require.Equal(t, answer, r.send("GET /api/dataStore/public-a?fields=.", auth).body, "the whole namespace is in the scope")
	require.Equal(t, "constraint_scope", r.send("GET /api/dataStore/ns?fields=.", auth).reason())
	head := r.send("HEAD /api/dataStore/ns", auth)
	require.Equal(t, 200, head.status)
	require.Empty(t, head.header.Get("Content-Length"))

	req, err := http.NewRequest("GET", r.url+"/api/dataStore/ns", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", auth[len("Authorization: "):])
	for _, answer = range []string{`{"entries":["x"]}`, `["k1",["x"]]`, `["k1",{"x":1}]`, `"x"`, `["k1"`, ``} {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // broke off before anything was written
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Error(t, err, "what is no list breaks off")
		require.NotContains(t, string(body), "x")
	}
	status, answer = 404, `{"message":"Namespace not found: 'x'"}`
	require.Equal(t, answer, r.send("GET /api/dataStore/ns", auth).body, "an error is no list")
}
