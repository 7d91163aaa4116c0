package main

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoSecretIsInAnythingThatWasWritten(t *testing.T) {
	t.Setenv("GUEST_PASSWORD", "guest-Secret-77")
	r := serve(t, strings.Replace(plainBackend, "identity: {mode: none}",
		"identity: {mode: none}, identities: {guest: {mode: basic, username: guest, password: \"env:GUEST_PASSWORD\"}}", 1)+
		"routes:\n  - {id: guest, path: \"/api/guest\", credentials: [none], identity: guest}\n  - {id: api, path: \"/api/**\", credentials: [pat, basic]}\n")
	live, limited := r.token("--name", "live"), r.token("--name", "limited", "--method", "GET")
	_, rotated, _ := r.do("", "token", "rotate", "live", "--overlap", "1h")
	_, asJSON, _ := r.do("", "token", "rotate", "limited", "-o", "json")
	rotated = strings.TrimSpace(rotated)
	basic := func(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }
	secrets := []string{
		live, limited, rotated, "guest-Secret-77", "Sesame-1", "wrong-Secret-1", basic("admin:Sesame-1"), basic("admin:wrong-Secret-1"),
		"d2pat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0000000000", "garbage-Secret-2", "bearer-Secret-3", "query-Secret-4", "cookie-Secret-5", "path-Secret-6",
	}

	heard := ""
	for _, headers := range [][]string{
		{"Authorization: ApiToken " + live}, {"Authorization: ApiToken " + limited}, {"Authorization: ApiToken " + rotated},
		{"Authorization: ApiToken d2pat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0000000000"}, {"Authorization: ApiToken garbage-Secret-2"},
		{"Authorization: Bearer bearer-Secret-3"}, {"Authorization: Basic " + basic("admin:Sesame-1")}, {"Authorization: Basic " + basic("admin:wrong-Secret-1")},
		{"Authorization: ApiToken " + live, "Authorization: ApiToken " + limited}, {"Cookie: JSESSIONID=cookie-Secret-5"}, {"Authorization: Weird " + live},
	} {
		for _, method := range []string{"GET", "DELETE", "BREW"} {
			for _, path := range []string{"/api/x?p=query-Secret-4", "/api/apiTokens/nothing", "/api/guest", "/elsewhere", "/api/a/../b?x=query-Secret-4"} {
				_, _, body := r.ask(method, r.gateway+path, headers...)
				heard += body
			}
		}
	}
	for _, args := range [][]string{
		{"explain", "--last"}, {"explain", "--last", "-o", "json"}, {"token", "list", "-o", "json"}, {"token", "show", "live"}, {"status", "-o", "json"},
		{"audit", "search"}, {"audit", "tail", "-n", "100"}, {"explain", "--token", "live", "--path", "/api/x?p=query-Secret-4"},
	} {
		_, out, talk := r.do("", args...)
		heard += out + talk
	}
	for _, line := range []string{
		"curl -u admin:wrong-Secret-1 http://x/api/x", "curl -H 'Authorization: ApiToken " + limited + "' -X PUT http://x/api/x", "curl -H 'x" + live + "' http://x",
		"curl -H 'Authorization: Bearer bearer-Secret-3' http://x/api",
	} {
		_, out, talk := r.do(line, "explain", "--curl", "-")
		heard += out + talk
	}
	_, out, talk := r.do(live+"\n", "token", "inspect", "-")
	heard += out + talk
	_, _, numbers := r.ask("GET", r.admin+"/metrics")
	heard += numbers
	require.Zero(t, r.end())

	heard += r.out.String() + r.talk.String()
	require.NoError(t, filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		heard += string(text)
		return err
	}))
	require.Contains(t, heard, "constraint_method") // it did say something
	require.Contains(t, asJSON, `"token": "d2pat_`)
	for _, s := range secrets {
		require.False(t, strings.Contains(heard, s), "the secret that begins with %.8s was written", s)
	}
	reached := r.upstreamCalls.String()
	for _, s := range secrets[:3] {
		require.False(t, strings.Contains(reached, s), "a token reached the back end")
	}
}
