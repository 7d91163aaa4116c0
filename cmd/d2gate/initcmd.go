package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// starter is the file that init writes. It must load (init_test.go).
const starter = `# d2gate configuration. Every key and its default: d2gate schema. Try a change: d2gate check -c %[1]s
version: 1

server:
  public_url: %[2]s              # what callers type; issuer, redirects and links are made of it
  listen: 127.0.0.1:8080
  trusted_proxies: [127.0.0.1/32]   # whose X-Forwarded-For counts: your nginx, nobody else

store: {url: "sqlite:%[4]s"}    # audit.jsonl, issuer.pem, oauth2.key and admin.sock lie beside it

upstream:
  url: %[3]s
  identity: {mode: jwt}             # DHIS2 trusts d2gate: put what "d2gate dhis2 setup -c %[1]s" prints into dhis.conf
  # An account that may read users and nothing else; without it disabled users keep their tokens.
  # identities: {state: {mode: basic, username: d2gate_state, password: "env:D2GATE_STATE_PASSWORD"}}

# users: {state: {as: state}}

routes:                             # first match wins
  - {id: public, path: "/api/ping", credentials: [none]}
  - {id: api, path: "/api/**", credentials: [pat, basic]}
default: refuse

tests:                              # run by check and before every reload
  - name: a token may read
    given: {credential: pat}
    request: GET /api/me
    expect: allow
  - name: nothing outside the API passes
    given: {credential: pat}
    request: GET /dhis-web-maintenance/
    expect: policy_refused
`

func (p *program) initCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "init [FILE]", Short: "Print a first configuration file, or write it to FILE", Args: cobra.MaximumNArgs(1),
		Long:    "Prints a small, commented configuration, or writes it to FILE. A file that is there is not touched.",
		Example: "  d2gate init --public-url https://hmis.example.org --upstream http://10.0.0.11:8080 \\\n    --data /var/lib/d2gate > /etc/d2gate/d2gate.yaml",
	}
	public := c.Flags().String("public-url", "http://127.0.0.1:8080", "address that callers use")
	upstream := c.Flags().String("upstream", "http://127.0.0.1:8081", "address of DHIS2")
	data := c.Flags().String("data", "", "folder of the store and what lies beside it (default: that of the file)")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if strings.ContainsAny(*data, "\"\\\n") {
			return usage("--data: %q is no folder that fits into the file", *data)
		}
		for flag, v := range map[string]string{"--public-url": *public, "--upstream": *upstream} {
			if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(v, " #\"'{}[],\n") {
				return usage("%s: %q is no http or https address", flag, v)
			}
		}
		name := "d2gate.yaml"
		if len(args) == 0 {
			_, err := fmt.Fprintf(p.stdout, starter, name, *public, *upstream, filepath.Join(*data, "d2gate.db"))
			return err
		}
		name = args[0]
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, starter, name, *public, *upstream, filepath.Join(*data, "d2gate.db"))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		p.say("wrote %s; next: d2gate check -c %[1]s, d2gate dhis2 setup -c %[1]s, d2gate serve -c %[1]s", name)
		return nil
	}
	return c
}
