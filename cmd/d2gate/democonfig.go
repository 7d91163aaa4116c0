package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/config"
)

// demoListen is where the gateway of demo mode listens unless told otherwise.
const demoListen = "127.0.0.1:8080"

// demoPlan is what differs from one demo to the next.
type demoPlan struct {
	folder   string // of all data
	listen   string // address of the gateway
	admin    string // address of the admin listener
	upstream string // address of the sandbox
}

// demoAudience is the client_id under which the sandbox knows d2gate.
const demoAudience = "d2gate"

// demoText is the configuration of demo mode (design 1): read by the same parser
// as every other, so that nothing is special about it.
const demoText = `version: 1
server: {public_url: %[1]s, listen: %[2]s}
admin: {listen: %[3]s, socket: %[4]s}
store: {url: %[5]s}
upstream:
  url: %[6]s
  identity: {mode: jwt, audience: d2gate}
users: {state: {as: {mode: jwt, username: admin, audience: d2gate}}}
oauth2: {password_grant: true}
rates:
  login: {per: [username, client_ip], rate: 1000/s, burst: 1000}
routes:
  - {id: open-ping, path: "/api/ping", credentials: [none]}
  - {id: open-system-ping, path: "/api/system/ping", credentials: [none]}
  - {id: open-login-config, path: "/api/loginConfig", credentials: [none]}
  - {id: api, path: "/api/**", credentials: [pat, oauth2, basic], compat: [api_versions, metadata_parameters]}
default: refuse
audit: {sinks: [{type: file, path: %[7]s}]}
`

// demoConfig is the configuration of demo mode.
func demoConfig(plan demoPlan) (*config.Config, error) {
	dir, err := filepath.Abs(plan.folder)
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return strconv.Quote(filepath.Join(dir, name)) }
	text := fmt.Sprintf(demoText,
		strconv.Quote(publicURL(plan.listen)), strconv.Quote(plan.listen), strconv.Quote(plan.admin), in("admin.sock"),
		strconv.Quote("sqlite:"+filepath.Join(dir, "d2gate.db")),
		strconv.Quote((&url.URL{Scheme: "http", Host: plan.upstream}).String()), in("audit.jsonl"))
	cfg, err := config.Parse("demo mode", []byte(text))
	if err != nil {
		return nil, fmt.Errorf("the configuration of demo mode: %w", err)
	}
	for i := range cfg.Routes { // one route to whoever reads the log
		cfg.Routes[i].Line = 0 // there is no file to look into
		if strings.HasPrefix(cfg.Routes[i].ID, "open-") {
			cfg.Routes[i].ID = "open"
		}
	}
	return cfg, nil
}

// publicURL is how callers on this machine reach a listener.
func publicURL(listen string) string { return "http://" + reachable(listen) }
