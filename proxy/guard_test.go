package proxy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/proxy"
)

func TestAnImportPassesOnlyWithTypesInsideTheScope(t *testing.T) {
	whole := make(chan bool, 100)
	r := start(t, setup{config: func(c *config.Config) { c.Server.Limits.Body = 10 << 20 }, upstream: func(_ http.ResponseWriter, q *http.Request) {
		_, err := io.Copy(io.Discard, q.Body)
		whole <- err == nil
	}})
	auth := "Authorization: ApiToken " + r.token("nurse", limit(t, constraints.ScopeAllowedList, "metadata/dataElements,indicators:write"))
	const asJSON = "Content-Type: application/json"
	padding := `{"name":"` + strings.Repeat(`x\"{}[],:`, 20_000) + `"}`
	for _, tt := range []struct {
		name, body, header string
		passes             bool
	}{
		{"one type", `{"dataElements":[{"id":"a","users":[{"dataSets":1}]}]}`, asJSON, true},
		{"two types and system", " {\n\"system\" : {\"id\":1}, \"dataElements\": [],\"indicators\":[]}\n", asJSON, true},
		{"empty", `{}`, asJSON, true},
		{"long", `{"dataElements":[` + padding + `],"indicators":[]}`, asJSON, true},
		{"charset", `{"dataElements":[]}`, "Content-Type: application/json;charset=UTF-8", true},
		{"another type", `{"users":[]}`, asJSON, false},
		{"another type at the end", `{"dataElements":[` + padding + `],"users":[]}`, asJSON, false},
		{"escaped name", `{"\u0075sers":[]}`, asJSON, false},
		{"escaped allowed name", `{"\u0064ataElements":[]}`, asJSON, true},
		{"duplicate of another case", `{"dataElements":[],"DataElements":[]}`, asJSON, false},
		{"two objects", `{"dataElements":[]}{"users":[]}`, asJSON, false},
		{"array", `[{"users":[]}]`, asJSON, false},
		{"comment", `{/*x*/"users":[]}`, asJSON, false},
		{"single quotes", `{'users':[]}`, asJSON, false},
		{"no quotes", `{users:[]}`, asJSON, false},
		{"UTF-16", "{\x00\"\x00u\x00", asJSON, false},
		{"byte order mark", "\xef\xbb\xbf{\"users\":[]}", asJSON, false},
		{"gzip", "\x1f\x8b\x08\x00", asJSON, false},
		{"closing what was not opened", `{"dataElements":]}`, asJSON, false},
		{"CSV", "a,b", "Content-Type: application/csv", false},
		{"XML", "<metadata/>", "Content-Type: application/xml", false},
		{"UTF-16 said", `{"dataElements":[]}`, "Content-Type: application/json;charset=UTF-16", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.sendBody("POST /api/41/metadata", strings.NewReader(tt.body), auth, tt.header)
			if tt.passes {
				require.Equal(t, 200, a.status, a.body)
				require.True(t, <-whole)
				return
			}
			require.Equal(t, 401, a.status)
			require.Equal(t, "constraint_scope", a.reason())
			if len(r.got()) > 0 {
				require.False(t, <-whole, "the upstream never has the whole of it")
			}
		})
		r.got()
	}
	require.Equal(t, "constraint_scope", r.sendBody("POST /api/metadata", strings.NewReader("{}"), auth, asJSON, "Content-Encoding: gzip").reason())
	free := "Authorization: ApiToken " + r.token("nurse")
	require.Equal(t, 200, r.sendBody("POST /api/metadata", strings.NewReader("a,b"), free, "Content-Type: application/csv").status)
}

func TestALimitedTokenImportsNoCredentials(t *testing.T) {
	r := start(t, setup{})
	const asJSON = "Content-Type: application/json"
	limits := map[string]constraints.Attribute{
		"address":       limit(t, constraints.IPAllowedList, "127.0.0.1", "::1"),
		"method":        limit(t, constraints.MethodAllowedList, "POST"),
		"any resource":  limit(t, constraints.ScopeAllowedList, "ALL"),
		"metadata":      limit(t, constraints.ScopeAllowedList, "metadata:write"),
		"the type told": limit(t, constraints.ScopeAllowedList, "metadata/apiToken,oAuth2Clients,users:write"),
	}
	free := "Authorization: ApiToken " + r.token("nurse")
	for by, attribute := range limits {
		limited := "Authorization: ApiToken " + r.token("nurse", attribute)
		for _, kind := range []string{"apiToken", "apiTokens", "oAuth2Clients", "oauth2Clients", `\u0061piToken`} {
			body := `{"users":[],"` + kind + `":[{"code":"x"}]}`
			for _, path := range []string{"/api/metadata", "/api/41/metadata.json"} {
				a := r.sendBody("POST "+path, strings.NewReader(body), limited, asJSON)
				require.Equal(t, "constraint_scope", a.reason(), "%s %s %s", by, path, kind)
				require.Empty(t, r.got())
				require.Equal(t, 200, r.sendBody("POST "+path, strings.NewReader(body), free, asJSON).status)
				require.Equal(t, body, r.got()[0].Body)
			}
		}
		require.Equal(t, 200, r.sendBody("POST /api/metadata", strings.NewReader(`{"users":[{"apiToken":1}]}`), limited, asJSON).status, by)
		require.Equal(t, "constraint_scope", r.sendBody("POST /api/metadata", strings.NewReader(`{"apiToken":[]}`), limited, "Content-Type: application/xml").reason(), "what cannot be judged")
		r.got()
	}
	address := "Authorization: ApiToken " + r.token("nurse", limits["address"])
	require.Equal(t, 200, r.sendBody("POST /api/metadata", strings.NewReader("a,b"), address, "Content-Type: application/csv").status)
	require.Equal(t, 200, r.sendBody("POST /api/dataValueSets", strings.NewReader(`{"apiToken":1}`), address, asJSON).status, "no import of metadata")
	require.Equal(t, 200, r.sendBody("POST /api/metadata", strings.NewReader(`{"apiToken":[]}`), basic, asJSON).status, "a password is not limited")
}

func TestTheGuardFindsANameWhereverTheBodyIsCut(t *testing.T) {
	r := start(t, setup{})
	auth := "Authorization: ApiToken " + r.token("nurse", limit(t, constraints.ScopeAllowedList, "dataElements:write"))
	body := `{"dataElements":[{"a":"\\"}],"us\u0065rs":[]}`
	for n := 1; n < len(body); n++ {
		chunks := fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", n, body[:n], len(body)-n, body[n:])
		answers, _ := r.raw("POST /api/metadata HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n" + auth + "\r\n\r\n" + chunks)
		require.Equal(t, "constraint_scope", answers[0].reason(), body[:n])
	}
}

func FuzzImportGuard(f *testing.F) {
	for _, s := range []string{`{"dataElements":[]}`, `{"users":1}`, `{"a\"":{}}`, `{"dataElements":"\\","users":[]}`, `{} {}`, `{"dataElements":[],}`} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, body string, cut uint8) {
		refused := errors.New("refused")
		whole := proxy.NewImportGuard(refused, "dataElements")([]byte(body))
		pieces := proxy.NewImportGuard(refused, "dataElements")
		at := min(int(cut), len(body))
		err := pieces([]byte(body[:at]))
		if err == nil {
			err = pieces([]byte(body[at:]))
		}
		require.Equal(t, whole, err, "where it is cut does not matter")
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &object) != nil {
			return
		}
		for name := range object {
			if name != "dataElements" && name != "system" && name != "date" {
				require.ErrorIs(t, whole, refused, "%q", name)
				return
			}
		}
		if object != nil {
			require.NoError(t, whole)
		}
	})
}

func BenchmarkImportGuard(b *testing.B) {
	body := []byte(`{"dataElements":[` + strings.Repeat(`{"id":"fbfJHSPpUQD","name":"ANC 1st visit","shortName":"ANC 1","valueType":"NUMBER","sharing":{"public":"rw------"}},`, 10_000) + `{}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		g := proxy.NewImportGuard(errors.New("refused"), "dataElements")
		for piece := range slices.Chunk(body, 32<<10) {
			if err := g(piece); err != nil {
				b.Fatal(err)
			}
		}
	}
}
