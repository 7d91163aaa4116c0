package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// banner says where everything is, and three commands that work as pasted: one
// with the token, one that is refused (no route is open there), and one that says
// why.
func (p *program) banner(g *gateway, f demoFlags, tokenFile string) {
	cfg := g.inForce.Load()
	base := cfg.Server.PublicURL.String()
	self := shellQuote(p.self())
	socket := ""
	if filepath.Clean(f.data) != demoFolder {
		socket = " --data " + shellQuote(f.data)
	}
	fmt.Fprintf(p.stdout, `
d2gate demo: a gateway in front of a small DHIS2, all on this machine

  gateway   %[1]s     admin / district
  DHIS2     %[2]s     the sandbox behind it
  health    http://%[3]s/readyz     /livez, /metrics
  data      %[4]s     token in %[5]s (24 h, of admin)

Try:
  curl -H "Authorization: ApiToken $(cat %[5]s)" %[1]s/api/me
  curl -i -H "Authorization: ApiToken $(cat %[5]s)" %[1]s/dhis-web-dashboard/
  %[6]s explain --last%[7]s

Ready
`, base, cfg.Upstream.URL, cfg.Admin.Listen, f.data, shellQuote(tokenFile), self, socket)
}

// self is how this program was called, as far as it can be called again so.
func (p *program) self() string {
	if strings.Contains(p.executable, "/go-build") {
		return goRun
	}
	return p.executable
}

const goRun = "go run ./cmd/d2gate"

// shellQuote quotes a word for a POSIX shell where it needs to be.
func shellQuote(s string) string {
	if s == goRun || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
