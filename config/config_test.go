package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
)

const minimal = `version: 1
server: {public_url: "https://hmis.moh.example"}
upstream: {url: "http://10.0.0.11:8080/dhis"}
`

func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("d2gate.yaml", []byte(text))
	require.NoError(t, err)
	return c
}

func refused(t testing.TB, text string) string {
	t.Helper()
	_, err := config.Parse("d2gate.yaml", []byte(text))
	require.Error(t, err)
	return err.Error()
}

func TestTheExamplesLoad(t *testing.T) {
	for _, name := range []string{"minimal", "plain-upstream", "full"} {
		c, err := config.Load(filepath.Join("..", "testdata", "examples", name+".yaml"))
		require.NoError(t, err, name)
		require.Len(t, c.Hash, 64)
	}
}

func TestTheDefaultsAreThoseOfTheDesign(t *testing.T) {
	c := parse(t, minimal)
	require.Equal(t, []config.Route{{ID: "api", Path: "/api/**", Credentials: []string{"pat", "oauth2", "basic"}}}, c.Routes)
	require.Equal(t, "refuse", c.Default)
	require.Equal(t, "jwt", c.Upstream.Identity.Mode)
	require.EqualValues(t, 32<<10, c.Server.Limits.Header)
	require.EqualValues(t, 8<<10, c.Server.Limits.Target)
	require.EqualValues(t, 2<<30, c.Server.Limits.Body)
	require.False(t, c.OAuth2.PasswordGrant)
	require.Zero(t, c.OAuth2.ReuseGrace)
	require.Equal(t, []config.Rate{{Per: []string{"username"}, Events: 3, Window: 15 * time.Minute, Burst: 3}, {Per: []string{"client_ip"}, Events: 30, Window: 15 * time.Minute, Burst: 30}}, c.Rates["login"])
	require.Empty(t, c.Rates["bad_token"])
	require.Zero(t, c.Tokens.MaxExpiry)
	require.Equal(t, 5*time.Second, c.Store.MaxStaleness)
	require.Equal(t, []config.Sink{{Type: "file", Path: "audit.jsonl"}}, c.Audit.Sinks)
	require.Equal(t, "admin.sock", c.Admin.Socket)
	require.Equal(t, []string{"ALL"}, c.Users.Admins)
}

func TestEveryKeyOfTheFullExampleIsRead(t *testing.T) {
	c, err := config.Load(filepath.Join("..", "testdata", "examples", "full.yaml"))
	require.NoError(t, err)
	require.Equal(t, "/dhis", c.Server.ContextPath)
	require.Len(t, c.Server.TrustedProxies, 2)
	require.Equal(t, 512, c.Server.Limits.InFlight)
	require.Equal(t, "env:D2GATE_DATABASE_URL", c.Store.URL.Ref.Ref())
	require.Equal(t, "https://d2gate:8443/dhis/d2gate/issuer", c.Upstream.Identity.Issuer)
	require.Equal(t, 2, c.Upstream.Identities["guest"].Sessions)
	require.Equal(t, "d2gate_state", c.Users.State.AsIdentity.Username)
	require.Equal(t, []string{"ALL", "F_SYSTEM_SETTING"}, c.Users.Admins)
	require.Equal(t, map[string][]string{"browser": {"referrers"}, "script": {"addresses"}}, c.Tokens.Require)
	require.Equal(t, 365*24*time.Hour, c.Tokens.MaxExpiry)
	require.Equal(t, 72*time.Hour, c.Tokens.Overlap)
	require.Len(t, c.Tokens.Notices.BeforeExpiry, 3)
	require.Len(t, c.OAuth2.TrustedIssuers, 1)
	require.Equal(t, "oidc", c.Login.Providers[1].Type)
	require.Len(t, c.Routes, 9)
	require.Equal(t, "SQL views are closed here.", c.Routes[5].Refuse)
	require.Equal(t, "report", c.Routes[6].Mode)
	require.Equal(t, time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC), c.Routes[6].EnforceAfter)
	require.EqualValues(t, 200<<20, c.Routes[3].Body)
	require.Equal(t, config.Rate{Per: []string{"token"}, Events: 5, Window: time.Second, Burst: 20, Concurrency: 4}, c.Rates["tokens"][0])
	require.Len(t, c.Rates["login"], 2)
	require.Equal(t, 52, c.Audit.Sinks[0].Keep)
	require.Len(t, c.Tests, 3)
	require.Equal(t, "constraint_scope", c.Tests[1].Expect)
	require.Positive(t, c.Tests[0].Line)
}

func TestEveryProblemIsToldAtOnceWithLineCaretAndSuggestion(t *testing.T) {
	got := refused(t, `version: 1
server:
  public_url: https://hmis.moh.example
  listn: 127.0.0.1:8080
  trusted_proxies: [10.0.0.0/33]
  limits: {body: big}
upstream: {url: "http://10.0.0.11:8080/dhis"}
routes:
  - {id: api, path: "/api/**", credentials: [pta]}
  - {id: api, path: "/x"}
`)
	require.Contains(t, got, `d2gate.yaml:4:3: unknown key "listn" in server; did you mean "listen"?
   4 |   listn: 127.0.0.1:8080
     |   ^`)
	require.Contains(t, got, `d2gate.yaml:5:21: server.trusted_proxies[0]: "10.0.0.0/33" is neither an address nor a CIDR such as 192.0.2.0/24
   5 |   trusted_proxies: [10.0.0.0/33]
     |                     ^`)
	require.Contains(t, got, `server.limits.body: "big" is no size`)
	require.Contains(t, got, `"pta" is none of pat, oauth2, basic, session, none; did you mean "pat"?`)
	require.Contains(t, got, `d2gate.yaml:10:10: the id "api" is there twice: first in line 9`)
}

// Each example with one mistake: a key misspelt, one duplicated, a bad CIDR, a
// literal secret.
func TestEachExampleIsRefusedWithOneMistake(t *testing.T) {
	for _, name := range []string{"minimal", "plain-upstream", "full"} {
		text, err := os.ReadFile(filepath.Join("..", "testdata", "examples", name+".yaml"))
		require.NoError(t, err)
		for _, tt := range []struct{ old, with, says string }{
			{"public_url:", "public_ulr:", `unknown key "public_ulr" in server; did you mean "public_url"?`},
			{"version: 1\n", "version: 1\nversion: 1\n", `"version" is there twice: first in line`},
			{"trusted_proxies: [", "trusted_proxies: [10.0.0.999/8, ", `is neither an address nor a CIDR`},
			{"upstream:", "users: {state: {as: {mode: basic, username: u, password: \"hunter2 and more\"}}}\nupstream:", "a secret must not stand in the file"},
		} {
			broken := strings.Replace(string(text), tt.old, tt.with, 1)
			if name == "full" && strings.HasPrefix(tt.with, "users:") {
				broken = strings.Replace(string(text), `password: "cred:guest"`, `password: "hunter2 and more"`, 1)
			}
			require.NotEqual(t, string(text), broken)
			got := refused(t, broken)
			require.Contains(t, got, tt.says)
			require.Contains(t, got, "^")
			require.NotContains(t, got, "hunter2", "a secret is masked")
		}
	}
}

func TestALiteralSecretIsMaskedWhereverItStands(t *testing.T) {
	for _, line := range []string{
		"upstream: {url: \"http://a.example\", identity: {mode: basic, username: u, pasword: hunter2}}",
		"store: {url: \"postgres://u:hunter2@db/x\"}",
		"login: {providers: [{id: a, type: oidc, client_secret: 'hunter2'}]}",
	} {
		require.NotContains(t, refused(t, "version: 1\nserver: {public_url: \"https://a.example\"}\n"+line+"\n"), "hunter2", line)
	}
}

// The forms in which a literal secret has been seen in such files, each with
// another problem on the line that shows it.
func TestNoFormOfALiteralSecretIsShown(t *testing.T) {
	head := "version: 1\nserver: {public_url: \"https://a.example\"}\nupstream:\n  url: http://b.example\n"
	for name, lines := range map[string]string{
		"a block text":                  "  identity:\n    mode: basic\n    username: u\n    password: |\n      hunter2\n",
		"the next line":                 "  identity:\n    mode: basic\n    username: u\n    password:\n      hunter2\n",
		"the next line of a flow":       "  identity: {mode: basic, username: u, password:\n    hunter2, nonsense: 1}\n",
		"two lines of a quote":          "  identity:\n    mode: basic\n    username: u\n    password: \"hun\n      hunter2\"\n",
		"a list":                        "  identity: {mode: basic, username: u, password: [hunter2]}\n",
		"a mapping":                     "  identity: {mode: basic, username: u, password: {a: hunter2}}\n",
		"a key with a blank":            "  identity: {mode: basic, username: u, pass word: hunter2}\n",
		"a key with a question mark":    "  identity:\n    mode: basic\n    ? password\n    : hunter2\n",
		"a tag":                         "  identity: {mode: basic, username: u, password: !!str hunter2}\n",
		"an anchor":                     "  identity: {mode: basic, username: u, password: &x hunter2}\n",
		"a comma":                       "  identity: {mode: basic, username: u, password: hunt,hunter2}\n",
		"a hash":                        "  identity: {mode: basic, username: u, password: hunt#hunter2}\n",
		"an unclosed quote":             "  password: \"hunter2\n",
		"an argument of an address":     "store: {url: \"postgres://db/x?password=hunter2\"}\n",
		"the user of an address":        "store: {url: \"postgres://u:hunter2@db/x\"}\nnonsense: \"http://u:hunter2@x\"\n",
		"the user of a referrer":        "routes: [{id: a, path: \"/x\", referrers: [\"https://u:hunter2@x.example\"]}]\n",
		"a misspelt key":                "  identity: {mode: basic, username: u, passwrod: hunter2}\n",
		"a token under any key":         "nonsense: d2pat_hunter2hunter2hunter2hunter2hunter20123456789\n",
		"a secret in a quoted JSON key": "  identity: {\"mode\": \"basic\", \"username\": \"u\", \"password\":\"hunter2\"}\n",
	} {
		t.Run(name, func(t *testing.T) { require.NotContains(t, refused(t, head+lines), "hunter2") })
	}
}

func TestFilesOfOtherEditorsLoad(t *testing.T) {
	require.Equal(t, "a.example", parse(t, "\ufeffversion: 1\r\nserver:\r\n  public_url: https://a.example\r\nupstream: {url: \"http://b.example\"}\r\n").Server.PublicURL.Host)
}

func TestARouteMayNameWhatLiesBelowMetadata(t *testing.T) {
	require.Equal(t, "metadata/version", parse(t, minimal+"routes: [{id: a, resource: metadata/version}]\n").Routes[0].Resource)
}

func TestAnIssuerOverPlainHTTPIsWarnedOf(t *testing.T) {
	says := "over plain HTTP anybody on the way"
	require.Contains(t, strings.Join(parse(t, minimal+"oauth2: {trusted_issuers: [{issuer: \"http://sso.example\", audience: x}]}\n").Warnings, "\n"), says)
	require.NotContains(t, strings.Join(parse(t, minimal+"login: {providers: [{id: a, type: oidc, issuer: \"http://127.0.0.1:99\", client_id: x}]}\n").Warnings, "\n"), says)
}

func TestAnEmptyListOfRoutesRefusesEverything(t *testing.T) {
	c := parse(t, minimal+"routes: []\n")
	require.NotNil(t, c.Routes)
	require.Empty(t, c.Routes)
}

func TestBadValuesAreRefusedInWords(t *testing.T) {
	for add, says := range map[string]string{
		"store: {url: \"mysql://x\"}":                                                       "must be sqlite:PATH",
		"default: allow":                                                                    `"allow" is none of refuse`,
		"constraint_failure: strct":                                                         `did you mean "strict"?`,
		"routes: [{id: a, path: \"/x\", resource: me}]":                                     "exactly one of path and resource",
		"routes: [{path: \"/x\"}]":                                                          "a route needs an id",
		"routes: [{id: a, path: \"x\"}]":                                                    "must begin with /",
		"routes: [{id: a, path: \"/**/x\"}]":                                                "** stands alone, at the end",
		"routes: [{id: a, path: \"/x\", identity: guest}]":                                  `there is no identity "guest"`,
		"routes: [{id: a, path: \"/x\", rate: visitors}]":                                   `there is no rate "visitors"`,
		"routes: [{id: a, path: \"/x\", referrers: [localhost]}]":                           "Not a valid referrer url",
		"routes: [{id: a, path: \"/x\", timeout: 5}]":                                       "is no duration",
		"routes: [{id: a, path: \"/x\", enforce_after: 2027-01-15}]":                        "is no instant",
		"rates: {x: {per: token, rate: fast}}":                                              "is no rate",
		"rates: {x: {per: tokn, rate: 1/s}}":                                                `did you mean "token"?`,
		"tokens: {default_expiry: 30d, max_expiry: 1d}":                                     "longer than tokens.max_expiry",
		"oauth2: {code: {ttl: 5m}}":                                                         "at most 60s",
		"tests: [{name: x, request: GET, expect: allow}]":                                   "is no request",
		"tests: [{name: x, request: GET /api, expect: constraint_scop}]":                    `did you mean "constraint_scope"?`,
		"tests: [{name: x, request: GET /api, expect: allow, given: {scopes: [nonsense]}}]": "not a valid scope",
		"users: {state: {as: nobody}}":                                                      `there is no identity "nobody"`,
		"users: {state: {as: {mode: passthrough}}}":                                         "must name an account of its own",
		"audit: {sinks: [{type: file}]}":                                                    "needs a path",
		"audit: {allowed: 120%}":                                                            "is no share",
		"routes: [{id: a, path: \"/x\", addresses: []}]":                                    "routes[0].addresses is empty",
		"routes: [{id: a, path: \"/x\", credentials: []}]":                                  "routes[0].credentials is empty",
		"routes: [{id: a, path: \"/x\", timeout: 0s}]":                                      "must be longer than nothing",
		"\troutes: []": "a tab; YAML is indented with spaces",
		"rates: {visitors: {per: client_ip, rate: 1/s}}\nroutes: [{id: a, path: \"/x\", rate: visitor}]": `there is no rate "visitor" in rates; did you mean "visitors"?`,
		"routes: [{id: a, resource: \"dataStore/x:read\"}]":                                              "write resource: dataStore/x, and methods",
		"routes: [{id: a, resource: metadata/dataElements}]":                                             "limit types by the scopes of tokens",
		"routes: [{id: a, resource: \"metadata/a%b\"}]":                                                  "is no resource",
		"embeds: [{id: a, hosts: [x.example], dashboards: [abc], parents: [localhost]}]":                 "is no origin",
		"rates: {x: {rate: 1/s}}":                                                                "rates.x needs per",
		"rates: {x: {per: token}}":                                                               "rates.x needs a rate",
		"rates: {bad_token: {per: username, rate: 1/s}}":                                         "cannot count per username",
		"rates: {x: [1]}":                                                                        "must be a mapping",
		"tokens: {default_expiry: 0s}":                                                           "must be longer than nothing",
		"tokens: {max_per_user: 0}":                                                              "must be a whole number from 1",
		"tokens: {mint: d2par}":                                                                  `did you mean "d2pat"?`,
		"oauth2: {refresh_token: {reuse_grace: 2m}}":                                             "at most 1m",
		"oauth2: {password_grant: yes}":                                                          "must be true or false",
		"oauth2: {trusted_issuers: [{issuer: \"https://a.example\"}]}":                           "needs issuer and audience",
		"oauth2: {trusted_issuers: [{issuer: \"https://u@a.example\", audience: x}]}":            "must not hold a user name",
		"oauth2: {trusted_issuers: [{issuer: \"https://a.example?x\", audience: x}]}":            "neither query nor fragment",
		"login: {providers: [{id: a/b, type: password}]}":                                        "cannot stand in an address",
		"login: {providers: [{id: a, type: password}, {id: a, type: password}]}":                 "is there twice",
		"login: {session: {ttl: 1h, idle: 2h}}":                                                  "longer than login.session.ttl",
		"login: {providers: [{type: password}]}":                                                 "needs id and type",
		"audit: {sinks: [{path: x}]}":                                                            "needs a type",
		"audit: {sinks: [{type: store, path: x}]}":                                               "type store has no path",
		"audit: {sinks: [{type: file, path: x, rotate: 1KiB}]}":                                  "at least 64KiB",
		"admin: {socket: \"\"}":                                                                  "must be a path",
		"routes: [{id: default, path: \"/x\"}]":                                                  `the id "default" is taken`,
		"routes: [{id: a, path: \"/x\", enforce_after: 2027-01-15T00:00:00Z}]":                   "belongs to mode: report",
		"routes: [{id: a, path: \"/x/../y\"}]":                                                   "no request can have",
		"routes: [{id: a, resource: \"a//b\"}]":                                                  "is no resource",
		"routes: [{id: \"\", path: \"/x\"}]":                                                     "must be a text on one line",
		"users: {state: {as: {mode: jwt, username: u, password: \"env:X\"}}}":                    "has no meaning in mode jwt",
		"users: {state: {as: {mode: jwt, username: u, ttl: 1s}}}":                                "must be from 10s to 1h",
		"embeds: [{id: a, hosts: [x.example], dashboards: [abc], identity: nobody, rate: none}]": `there is no identity "nobody"`,
		"embeds: [{id: a, hosts: [x.example], dashboards: [abc], rate: visitors}]":               `there is no rate "visitors"`,
		"store: {url: \"postgres://db/x\"}":                                                      "needs a signing_key that all replicas share",
		"tests: [{name: x, request: GET /api}]":                                                  "needs name, request and expect",
		"tests: [{name: x, request: GET /api, expect: allow, given: {from: here}}]":              "is no address",
		"1: 2":               "this is no plain key",
		"---\nversion: 1":    "one file holds one document",
		"rates: {login: []}": "rates.login is empty",
		"rates: {\"a.b\": {per: token, rate: 1/s}}": "is no name",
		"login: {session: {ttl: 0s}}":               "must be longer than nothing",
		"audit: {sinks: []}":                        "audit.sinks is empty",
		"embeds: [{id: a}]":                         "needs id, hosts and dashboards",
		"tokens: &a {mint: d2p}":                    "anchors, aliases and tags are not taken",
		"tokens:":                                   "has no value",
		"tokens: []":                                "must be a mapping",
		"routes: {}":                                "must be a list",
		"sandbox: {version: \"3.0\"}":               `"3.0" is none of`,
		"login: {providers: [{id: a, type: oidc}]}": "needs issuer and client_id",
		"upstream: {url: \"http://x.example\", identity: {mode: basic}}\nunknown_top: 1": `unknown key "unknown_top"`,
		"tokens: {mint: [d2p]}": "must be a single value",
	} {
		base := minimal
		if strings.HasPrefix(add, "upstream:") {
			base = "version: 1\nserver: {public_url: \"https://a.example\"}\n"
		}
		require.Contains(t, refused(t, base+add+"\n"), says, add)
	}
	for server, says := range map[string]string{
		"context_path: dhis":            "is no context path",
		"tls: {cert_file: a}":           "needs both cert_file and key_file",
		"proxy_protocol: true":          "needs trusted_proxies",
		"trusted_proxies: [0.0.0.0/0]":  "trusts everybody",
		"trusted_proxies: [10.0.0.1/8]": "has bits beyond its length: write 10.0.0.0/8",
		"limits: {header: 1KiB}":        "must be from 4KiB to 1MiB",
		"limits: {target: 64KiB}":       "must be from 1KiB to server.limits.header",
		"limits: {header_timeout: 0s}":  "must be longer than nothing",
		"limits: {body: 9999999999GiB}": "is no size",
		"listen: 127.0.0.1":             "is no listen address",
	} {
		require.Contains(t, refused(t, strings.Replace(minimal, "server: {", "server: {"+server+", ", 1)), says)
	}
	for _, address := range []string{"ftp://a.example", "https://a.example/a%20b", "https://a.example/;x", "a.example", "https://"} {
		require.Contains(t, refused(t, strings.Replace(minimal, "https://hmis.moh.example", address, 1)), "server.public_url", address)
	}
	require.Contains(t, refused(t, "a: [\n"), "not valid YAML")
	require.Contains(t, refused(t, ""), "the file is empty")
	require.Contains(t, refused(t, "version: 2\n"), "version: must be 1\n")
	require.Contains(t, refused(t, "x: 1\n"), "version is missing")
	require.Contains(t, refused(t, "version: 1\nserver: {public_url: \"https://a.example/dhis\", context_path: /x}\nupstream: {url: \"http://b.example\"}\n"), "the path of server.public_url is")
}

func TestSecretsComeFromFileEnvironmentAndCredentialsAndAreNeverPrinted(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pw"), []byte("from-file\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d2gate.yaml"), []byte(minimal+`users: {state: {as: {mode: basic, username: u, password: "file:pw"}}}`+"\n"), 0o600))
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("D2GATE_TEST_PW", "from-env")
	c, err := config.Load(filepath.Join(dir, "d2gate.yaml"))
	require.NoError(t, err)
	pw := c.Users.State.AsIdentity.Password
	v, err := pw.Resolve()
	require.NoError(t, err)
	require.Equal(t, "from-file", v)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", pw, c.Users, c.Users, c.Users.State.AsIdentity.Password), "from-file")
	for ref, want := range map[string]string{"env:D2GATE_TEST_PW": "from-env", "cred:pw": "from-file"} {
		c := parse(t, minimal+`users: {state: {as: {mode: basic, username: u, password: "`+ref+`"}}}`)
		v, err := c.Users.State.AsIdentity.Password.Resolve()
		require.NoError(t, err)
		require.Equal(t, want, v)
	}
	_, err = parse(t, minimal+`users: {state: {as: {mode: basic, username: u, password: "env:D2GATE_NOT_SET"}}}`).Users.State.AsIdentity.Password.Resolve()
	require.ErrorContains(t, err, "env:D2GATE_NOT_SET: the environment variable is not set")
}

func TestTheStoreURLMayStandBehindASecret(t *testing.T) {
	t.Setenv("D2GATE_TEST_URL", "postgres://u:hunter2@db/x")
	driver, location, err := parse(t, minimal+`store: {url: "env:D2GATE_TEST_URL"}`).Store.URL.Resolve()
	require.NoError(t, err)
	require.Equal(t, "postgres", driver)
	require.Equal(t, "postgres://u:hunter2@db/x", location)
	t.Setenv("D2GATE_TEST_URL", "mysql://hunter2")
	_, _, err = parse(t, minimal+`store: {url: "env:D2GATE_TEST_URL"}`).Store.URL.Resolve()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestWithoutUsersStateAsTheOperatorIsWarned(t *testing.T) {
	require.Contains(t, strings.Join(parse(t, minimal).Warnings, "\n"), "users that DHIS2 has disabled keep their tokens")
	require.Empty(t, parse(t, strings.Replace(minimal, `upstream: {`, `upstream: {identity: {mode: none}, `, 1)).Warnings)
}

func TestTheSchemaNamesEveryKeyWithItsMeaning(t *testing.T) {
	s := string(config.Schema())
	for _, key := range []string{"public_url", "trusted_proxies", "max_staleness", "check_every", "before_expiry", "reuse_grace", "enforce_after", "frame", "bad_token", "signing_key"} {
		require.Contains(t, s, key)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	for _, name := range []string{"minimal", "plain-upstream", "full"} {
		text, err := os.ReadFile(filepath.Join("..", "testdata", "examples", name+".yaml"))
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse("f.yaml", []byte(text))
		if (c == nil) == (err == nil) {
			t.Fatal("either a configuration or an error")
		}
		if err != nil {
			_ = err.Error()
		}
	})
}
