package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/conform"
)

// legacy is what the notes of a case need: the gateway, and one person at a browser.
type legacy struct {
	t       *testing.T
	k       *stack
	through string
}

const legacyAuthorize = "/uaa/oauth/authorize?client_id=demo&response_type=code"

// TestTheOAuth2CasesOfTheContractHold plays cases/oauth2-legacy.json. What a case
// made is deleted before the next.
func TestTheOAuth2CasesOfTheContractHold(t *testing.T) {
	except, err := conform.CaseExceptions(filepath.Join("..", "..", "testdata", "except-cases.txt"))
	require.NoError(t, err)
	cases, err := conform.LoadCases(filepath.Join("..", "..", "testdata", "cases", "oauth2-legacy.json"))
	require.NoError(t, err)
	k := startStack(t, "2.41")
	through := newOldBrowser(t, k.gateway).Listener.Addr().String()
	for _, c := range cases {
		if except[c.ID] != "" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			require.True(t, c.Holds(41))
			l := &legacy{t, k, through}
			defer l.clean()
			l.spell(&c)
			conform.RunCase(t, conform.CaseTarget{Target: conform.Target{Base: k.gateway, Through: through}, Note: l.note}, c)
		})
	}
}

// clean deletes the clients, and the user with its role, that a case made.
func (l *legacy) clean() {
	for _, what := range [][2]string{
		{"/api/oAuth2Clients", "?"}, {"/api/users", "?filter=username:eq:LoginTestsUser&"}, {"/api/userRoles", "?filter=name:eq:role+LoginTestsUser&"},
	} {
		path, list := what[0], what[1]
		var found map[string]json.RawMessage
		require.NoError(l.t, json.Unmarshal(l.asAdmin(http.MethodGet, path+list+"paging=false&fields=id"), &found))
		var all []struct{ ID string }
		require.NoError(l.t, json.Unmarshal(found[strings.TrimPrefix(path, "/api/")], &all))
		for _, o := range all {
			l.asAdmin(http.MethodDelete, path+"/"+o.ID)
		}
	}
}

func (l *legacy) asAdmin(method, path string) []byte {
	q, err := http.NewRequestWithContext(l.t.Context(), method, l.k.gateway+path, nil)
	require.NoError(l.t, err)
	q.SetBasicAuth("admin", "district")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(l.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(l.t, err)
	require.Less(l.t, resp.StatusCode, 300, "%s %s %s", method, path, body)
	return body
}

// spell says what a case leaves to words: a second client, and that who names no
// Authorization sends none.
func (l *legacy) spell(c *conform.Case) {
	if c.Request.As == "" && c.Request.Headers["Authorization"] == "" && !strings.HasPrefix(c.Request.Path, "/api/oAuth2Clients") {
		c.Request.As = "none"
	}
	const other = "{{other client without password grant}}"
	h := c.Request.Headers["Authorization"]
	if !strings.Contains(h, other) {
		return
	}
	c.Setup = append(c.Setup, conform.SetupStep{Note: "another client without password grant"})
	c.Request.Headers["Authorization"] = strings.Replace(h, other, base64.StdEncoding.EncodeToString([]byte("other:"+otherSecret)), 1)
}

const otherSecret = "2e6db50c-0fee-11e5-98d0-3c15c2c6caf6"

func (l *legacy) note(_ conform.Case, note string, vars map[string]any) (bool, error) {
	switch {
	case note == "another client without password grant":
		l.k.make(l.t, "/api/oAuth2Clients", `{"name":"Other","cid":"other","secret":"`+otherSecret+`","grantTypes":["authorization_code"],"redirectUris":["http://www.example.org"]}`)
	case strings.HasPrefix(note, "authorization code {{code}} obtained via "):
		vars["code"] = l.code(legacyAuthorize)
	case note == "code obtained with &redirect_uri=http://www.example.org":
		vars["code"] = l.code(legacyAuthorize + "&redirect_uri=http://www.example.org")
	case note == "user logged in with a browser session {{session}}":
		vars["session"] = l.signIn()
	case note == "GET authorize first in the same session", note == "GET authorize first":
		return true, l.question(legacyAuthorize, vars)
	case note == "GET authorize with state=abc first":
		return true, l.question(legacyAuthorize+"&state=abc", vars)
	default:
		return false, nil
	}
	return true, nil
}

func (l *legacy) code(path string) string {
	return newBrowser(l.t, l.k.gateway).authorize(l.k.gateway+path, "admin", "district")
}

// signIn returns the Cookie header of somebody who has signed in.
func (l *legacy) signIn() string {
	b := newBrowser(l.t, l.k.gateway)
	b.open(l.k.gateway+"/d2gate/sign-in").submit("username", "admin", "password", "district")
	at, err := url.Parse(l.k.gateway)
	require.NoError(l.t, err)
	var parts []string
	for _, c := range b.http.Jar.(*cookiejar.Jar).Cookies(at) {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, "; ")
}

func (l *legacy) question(path string, vars map[string]any) error {
	q, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, "http://"+l.through+path, nil)
	if err != nil {
		return err
	}
	q.Header.Set("Cookie", fmt.Sprint(vars["session"]))
	q.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the question is %d", resp.StatusCode)
	}
	return resp.Body.Close()
}
