package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACurlLineIsReadAsCurlReadsIt(t *testing.T) {
	for _, tt := range []struct{ line, method, target, authorization string }{
		{`curl http://gw:8080/api/me`, "GET", "/api/me", ""},
		{`curl -u admin:district http://gw/api/33/me`, "GET", "/api/33/me", "Basic YWRtaW46ZGlzdHJpY3Q="},
		{`curl -uadmin:district gw/api/me`, "GET", "/api/me", "Basic YWRtaW46ZGlzdHJpY3Q="},
		{`curl -X POST -H "Content-Type: application/json" -d '{"a":"it''s"}' 'http://gw/api/apiToken'`, "POST", "/api/apiToken", ""},
		{`curl -sS -XDELETE "http://gw/api/apiToken/x" -H 'Authorization: ApiToken abc'`, "DELETE", "/api/apiToken/x", "ApiToken abc"},
		{"curl --request=PUT \\\n  --header='authorization: Bearer t' \\\n  http://gw/api/x --data-binary @f", "PUT", "/api/x", "Bearer t"},
		{`curl -I http://gw/api/ping`, "HEAD", "/api/ping", ""},
		{`curl -G -d a=1 --data-urlencode b=2 'http://gw/api/x?c=3#frag'`, "GET", "/api/x?c=3&a=1&b=2", ""},
		{`$ curl http://gw`, "GET", "/", ""},
		{`curl 'http://gw/api/dataStore/%2e%2e/users//x;y'`, "GET", "/api/dataStore/%2e%2e/users//x;y", ""},
		{`curl --json '{}' http://gw/api/x`, "POST", "/api/x", ""},
		{`curl -o /dev/null -w '%{http_code}' --max-time 5 http://gw/api/x`, "GET", "/api/x", ""},
		{`curl -T file http://gw/api/x`, "PUT", "/api/x", ""},
	} {
		got, err := parseCurl(tt.line)
		require.NoError(t, err, tt.line)
		require.Equal(t, tt.method, got.Method, tt.line)
		require.Equal(t, tt.target, got.Target, tt.line)
		require.Equal(t, tt.authorization, got.Header.Get("Authorization"), tt.line)
	}
}

func TestAnErrorOfACurlLineHoldsNothingOfIt(t *testing.T) {
	for _, line := range []string{
		`curl -H "Authorization: ApiToken s3cret`, `curl -u admin:s3cret`, `curl -H s3cret http://gw`, `curl a://s3cret b://s3cret`, `curl http://s3cret -X`, ``,
	} {
		_, err := parseCurl(line)
		require.Error(t, err, line)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func FuzzParseCurl(f *testing.F) {
	f.Add(`curl -X POST -H "a: b" -d '{}' http://gw/api/x`)
	f.Fuzz(func(t *testing.T, line string) {
		got, err := parseCurl(line)
		if err == nil && !strings.HasPrefix(got.Target, "/") {
			t.Fatalf("target %q", got.Target)
		}
	})
}
