package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
)

// before fills in what a key that is not there means.
func before() *Config {
	c := &Config{ConstraintFailure: "dhis2", Default: "refuse"}
	c.Server = Server{Listen: "127.0.0.1:8080", ShutdownGrace: 20 * time.Second}
	c.Server.Limits = Limits{Header: 32 << 10, Target: 8 << 10, Body: 2 << 30, HeaderTimeout: 5 * time.Second, IdleTimeout: 75 * time.Second}
	c.Admin.Listen = "127.0.0.1:9090"
	c.Store = Store{MaxStaleness: 5 * time.Second, CacheEntries: 100_000}
	c.Store.Retention.ExpiredTokens, c.Store.Retention.Audit = 90*24*time.Hour, 365*24*time.Hour
	c.Upstream = Upstream{ConnectTimeout: 3 * time.Second, ResponseTimeout: 60 * time.Second, IdleConnections: 64}
	c.Users = Users{Verify: "dhis2", State: UserState{CheckEvery: 60 * time.Second}}
	c.Tokens = Tokens{Mint: "d2pat", DefaultExpiry: 30 * 24 * time.Hour, Unknown: "refuse", Overlap: 24 * time.Hour}
	c.OAuth2 = OAuth2{LegacyPaths: true, AccessFormat: "opaque", AccessTTL: 12 * time.Hour, RefreshTTL: 30 * 24 * time.Hour, CodeTTL: 60 * time.Second}
	c.Login = Login{SessionTTL: 8 * time.Hour, SessionIdle: 30 * time.Minute}
	c.Sandbox.Version = "2.44"
	c.Audit.Allowed = 1
	return c
}

// after fills in what depends on other keys.
func (d *decoder) after(c *Config) {
	if c.Store.URL == (StoreURL{}) {
		c.Store.URL = StoreURL{Driver: "sqlite", Path: d.abs("d2gate.db")}
	}
	beside := d.dir
	if c.Store.URL.Driver == "sqlite" {
		beside = filepath.Dir(c.Store.URL.Path)
	}
	if c.Admin.Socket == "" {
		c.Admin.Socket = filepath.Join(beside, "admin.sock")
	}
	if len(c.Audit.Sinks) == 0 {
		c.Audit.Sinks = []Sink{{Type: "file", Path: filepath.Join(beside, "audit.jsonl")}}
	}
	complete(&c.Upstream.Identity)
	for name, i := range c.Upstream.Identities {
		i.Name = name
		complete(&i)
		c.Upstream.Identities[name] = i
	}
	if as := c.Users.State.AsIdentity; as != nil {
		as.Name = "users.state.as"
		complete(as)
	} else if i, ok := c.Upstream.Identities[c.Users.State.As]; ok {
		c.Users.State.AsIdentity = &i
	}
	if len(c.Users.Admins) == 0 {
		c.Users.Admins = []string{"ALL"}
	}
	for _, r := range c.Tokens.requires {
		if len(*r.list) > 0 {
			if c.Tokens.Require == nil {
				c.Tokens.Require = map[string][]string{}
			}
			c.Tokens.Require[r.name] = *r.list
		}
	}
	c.Tokens.requires = nil
	if d.set["routes"] && c.Routes == nil {
		c.Routes = []Route{} // written out as empty: nothing passes
	}
	if c.Routes == nil {
		c.Routes = []Route{{ID: "api", Path: "/api/**"}}
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		if r.Credentials == nil {
			r.Credentials = []string{"pat", "oauth2", "basic"}
		}
		if r.Mode == "enforce" {
			r.Mode = ""
		}
		r.Line = d.place(fmt.Sprintf("routes[%d]", i)).Line
	}
	for i := range c.Tests {
		c.Tests[i].Line = d.place(fmt.Sprintf("tests[%d]", i)).Line
	}
	if c.Rates == nil {
		c.Rates = map[string][]Rate{}
	}
	if _, ok := c.Rates["login"]; !ok {
		c.Rates["login"] = []Rate{{Per: []string{"username"}, Events: 3, Window: 15 * time.Minute, Burst: 3}, {Per: []string{"client_ip"}, Events: 30, Window: 15 * time.Minute, Burst: 30}}
	}
	for _, list := range c.Rates {
		for i := range list {
			if list[i].Burst == 0 {
				list[i].Burst = list[i].Events
			}
		}
	}
	if len(c.Login.Providers) == 0 {
		c.Login.Providers = []Provider{{ID: "dhis2", Type: "password"}}
	}
	for i := range c.Login.Providers {
		if p := &c.Login.Providers[i]; p.Type == "oidc" && p.UsernameClaim == "" {
			p.UsernameClaim = "preferred_username"
		}
	}
	for i := range c.OAuth2.TrustedIssuers {
		if t := &c.OAuth2.TrustedIssuers[i]; t.UsernameClaim == "" {
			t.UsernameClaim = "preferred_username"
		}
	}
}

func complete(i *Identity) {
	if i.Mode == "" {
		i.Mode = "jwt"
	}
	if i.Mode == "jwt" {
		if i.Claim == "" {
			i.Claim = "username"
		}
		if i.Audience == "" {
			i.Audience = "d2gate"
		}
		if i.TTL == 0 {
			i.TTL = 60 * time.Second
		}
	}
	if i.Mode == "basic" && i.Sessions == 0 {
		i.Sessions = 1
	}
}

// validate looks for what is read well and cannot be right.
func (d *decoder) validate(c *Config) {
	d.required(c)
	d.checkServer(c)
	d.checkIdentities(c)
	d.checkTokens(c)
	d.checkRoutes(c)
	d.checkRates(c)
	d.checkLogin(c)
	d.checkRest(c)
}

func (d *decoder) required(c *Config) {
	if !d.set["version"] {
		d.wrong("", "version is missing: write version: 1")
	}
	if c.Server.PublicURL == nil && !d.failed("server.public_url") {
		d.wrong("server", "server.public_url is missing")
	}
	if c.Upstream.URL == nil && !d.failed("upstream.url") {
		d.wrong("upstream", "upstream.url is missing")
	}
}

// failed reports whether a key is there, and so has had its complaint.
func (d *decoder) failed(path string) bool { return d.set[path] }

func (d *decoder) checkServer(c *Config) {
	s := &c.Server
	if s.PublicURL != nil {
		switch {
		case !d.set["server.context_path"]:
			s.ContextPath = s.PublicURL.Path
		case s.PublicURL.Path != s.ContextPath:
			d.wrong("server.context_path", "server.context_path is %q, but the path of server.public_url is %q", s.ContextPath, s.PublicURL.Path)
		}
		if strings.ContainsAny(s.PublicURL.Path, ";*. ") {
			d.wrong("server.public_url", "server.public_url has a path that cannot be a context path")
		}
	}
	if s.TLS != nil && (s.TLS.CertFile == "" || s.TLS.KeyFile == "") {
		d.wrong("server.tls", "server.tls needs both cert_file and key_file")
	}
	if s.ProxyProtocol && len(s.TrustedProxies) == 0 {
		d.wrong("server.proxy_protocol", "server.proxy_protocol needs trusted_proxies: anybody else could claim any address")
	}
	for _, p := range s.TrustedProxies {
		if p.Bits() == 0 {
			d.wrong("server.trusted_proxies", "server.trusted_proxies trusts everybody: name the proxies")
		}
	}
	if s.Limits.Header < 4<<10 || s.Limits.Header > 1<<20 {
		d.wrong("server.limits.header", "server.limits.header must be from 4KiB to 1MiB")
	}
	if s.Limits.Target < 1<<10 || s.Limits.Target > s.Limits.Header {
		d.wrong("server.limits.target", "server.limits.target must be from 1KiB to server.limits.header")
	}
}

func (d *decoder) checkIdentities(c *Config) {
	d.checkIdentity(c, "upstream.identity", c.Upstream.Identity)
	for name, i := range c.Upstream.Identities {
		d.checkIdentity(c, "upstream.identities."+name, i)
	}
	switch as := c.Users.State; {
	case as.As != "" && as.AsIdentity == nil:
		d.wrong("users.state.as", "users.state.as: there is no identity %q in upstream.identities%s", as.As, d.near(c, as.As))
	case as.AsIdentity == nil && c.usesMode("jwt"):
		d.warn("users", "users.state.as is not set: users that DHIS2 has disabled keep their tokens")
	case as.AsIdentity != nil:
		if d.set["users.state.as.mode"] || as.As == "" {
			d.checkIdentity(c, "users.state.as", *as.AsIdentity)
		}
		if m := as.AsIdentity.Mode; m == "passthrough" || m == "pat" || m == "jwt" && as.AsIdentity.Username == "" {
			d.wrong("users.state.as", "users.state.as must name an account of its own: mode basic, or jwt with a username")
		}
	}
}

// UsesMode reports whether any route signs in this way.
func (c *Config) usesMode(mode string) bool {
	for _, r := range c.Routes {
		i := c.Upstream.Identity
		if r.Identity != "" {
			i = c.Upstream.Identities[r.Identity]
		}
		if i.Mode == mode {
			return true
		}
	}
	return false
}

func (d *decoder) near(c *Config, name string) string {
	var names []string
	for n := range c.Upstream.Identities {
		names = append(names, n)
	}
	if s := suggest(name, names); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}

func (d *decoder) checkIdentity(c *Config, path string, i Identity) {
	if i.Mode == "basic" && (i.Username == "" && !d.set[path+".username"] || i.Password.IsZero() && !d.set[path+".password"]) {
		d.wrong(path, "%s: mode basic needs username and password", path)
	}
	if i.Mode == "jwt" && i.SigningKey.IsZero() && c.Store.URL.Driver == "postgres" {
		d.wrong(path, "%s: with PostgreSQL mode jwt needs a signing_key that all replicas share", path)
	}
	if i.Mode == "jwt" && (i.TTL < 10*time.Second || i.TTL > time.Hour) {
		d.wrong(path+".ttl", "%s.ttl must be from 10s to 1h", path)
	}
	only := map[string][]string{
		"issuer": {"jwt"}, "claim": {"jwt"}, "audience": {"jwt"}, "ttl": {"jwt"}, "signing_key": {"jwt"},
		"username": {"basic", "jwt"}, "password": {"basic"}, "sessions": {"basic"},
	}
	for key, of := range only {
		if d.set[path+"."+key] && !slices.Contains(of, i.Mode) {
			d.wrong(path+"."+key, "%s.%s has no meaning in mode %s", path, key, i.Mode)
		}
	}
}

func (d *decoder) checkTokens(c *Config) {
	t := c.Tokens
	if t.DefaultExpiry <= 0 {
		d.wrong("tokens.default_expiry", "tokens.default_expiry must be longer than nothing")
	}
	if t.MaxExpiry > 0 && t.DefaultExpiry > t.MaxExpiry {
		if d.set["tokens.default_expiry"] {
			d.wrong("tokens.default_expiry", "tokens.default_expiry is longer than tokens.max_expiry")
		} else {
			c.Tokens.DefaultExpiry = t.MaxExpiry
		}
	}
	if c.OAuth2.CodeTTL > 60*time.Second || c.OAuth2.CodeTTL <= 0 {
		d.wrong("oauth2.code.ttl", "oauth2.code.ttl must be at most 60s")
	}
	if c.OAuth2.ReuseGrace > time.Minute {
		d.wrong("oauth2.refresh_token.reuse_grace", "oauth2.refresh_token.reuse_grace must be at most 1m")
	}
	for i, t := range c.OAuth2.TrustedIssuers {
		if t.Issuer == "" || t.Audience == "" {
			d.wrong(fmt.Sprintf("oauth2.trusted_issuers[%d]", i), "oauth2.trusted_issuers[%d] needs issuer and audience", i)
		}
		d.checkIssuer(fmt.Sprintf("oauth2.trusted_issuers[%d].issuer", i), t.Issuer)
	}
}

func (d *decoder) checkRoutes(c *Config) {
	ids := map[string]int{}
	for n, r := range c.Routes {
		at := fmt.Sprintf("routes[%d]", n)
		switch first, twice := ids[r.ID]; {
		case r.ID == "":
			d.wrong(at, "a route needs an id")
		case r.ID == "default" || r.ID == "d2gate":
			d.wrong(at+".id", "the id %q is taken", r.ID)
		case twice:
			d.wrong(at+".id", "the id %q is there twice: first in line %d", r.ID, first)
		default:
			ids[r.ID] = r.Line
		}
		if (r.Path == "") == (r.Resource == "") && !d.set[at+".path"] && !d.set[at+".resource"] || r.Path != "" && r.Resource != "" {
			d.wrong(at, "route %q needs exactly one of path and resource", r.ID)
		}
		if r.Path != "" {
			if err := checkGlob(r.Path); err != nil {
				d.wrong(at+".path", "%v", err)
			}
		}
		if r.Resource != "" {
			d.checkResource(at+".resource", r.Resource)
		}
		for i, s := range r.Referrers {
			if _, err := constraints.ParseReferrer(s); err != nil {
				d.wrong(fmt.Sprintf("%s.referrers[%d]", at, i), "%v", err)
			}
		}
		if _, ok := c.Upstream.Identities[r.Identity]; r.Identity != "" && !ok {
			d.wrong(at+".identity", "there is no identity %q in upstream.identities%s", r.Identity, d.near(c, r.Identity))
		}
		if _, ok := c.Rates[r.Rate]; r.Rate != "" && !ok {
			d.wrong(at+".rate", "there is no rate %q in rates", r.Rate)
		}
		if !r.EnforceAfter.IsZero() && r.Mode != "report" {
			d.wrong(at+".enforce_after", "enforce_after belongs to mode: report")
		}
	}
}

// checkResource: as in a scope, but that a route looks at paths alone and so cannot
// tell metadata types apart.
func (d *decoder) checkResource(at, resource string) {
	name, selector, selected := strings.Cut(resource, "/")
	if name != "metadata" || !selected {
		if _, err := constraints.ParseScope(resource + ":read"); err != nil {
			d.wrong(at, "%q is no resource: write dataStore/scorecards or metadata", resource)
		}
		return
	}
	for s := range strings.SplitSeq(selector, ",") {
		if _, err := constraints.ParseScope("metadata/" + s + ":read"); err == nil {
			d.wrong(at, "%q: a route looks at paths, and /api/metadata/%s is none; write resource: metadata, and limit types by the scopes of tokens", resource, s)
		} else if err := checkGlob("/" + s); err != nil || strings.Contains(s, "**") {
			d.wrong(at, "%q is no resource: write metadata, or metadata/version", resource)
		}
	}
}

// checkGlob: /a/*/b/**; * is a whole segment, or any run within one; ** comes last.
func checkGlob(p string) error {
	if !strings.HasPrefix(p, "/") {
		return fmt.Errorf("%q must begin with /", p)
	}
	segments := strings.Split(p[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case strings.Contains(s, "**") && (s != "**" || !last):
			return fmt.Errorf("%q: ** stands alone, at the end", p)
		case s == "" && !last, s == "." || s == "..", strings.ContainsAny(s, "%;\\?#[]{}"):
			return fmt.Errorf("%q holds a segment that no request can have", p)
		}
	}
	return nil
}

func (d *decoder) checkRates(c *Config) {
	for name, list := range c.Rates {
		for i, r := range list {
			at := "rates." + name
			if _, ok := d.at[at+fmt.Sprintf("[%d]", i)]; ok {
				at += fmt.Sprintf("[%d]", i)
			}
			if len(r.Per) == 0 {
				d.wrong(at, "%s needs per", at)
			}
			if r.Events == 0 && (r.Concurrency == 0 || name == "login" || name == "bad_token") && !d.set[at+".rate"] {
				d.wrong(at, "%s needs a rate", at)
			}
			for _, per := range r.Per {
				if (name == "login" || name == "bad_token") && per != "username" && per != "client_ip" || name == "bad_token" && per != "client_ip" {
					d.wrong(at, "%s cannot count per %s", at, per)
				}
			}
		}
	}
}

func (d *decoder) checkLogin(c *Config) {
	ids := map[string]bool{}
	for i, p := range c.Login.Providers {
		at := fmt.Sprintf("login.providers[%d]", i)
		switch {
		case p.ID == "" || p.Type == "":
			d.wrong(at, "%s needs id and type", at)
		case strings.ContainsAny(p.ID, "/%?#;\\ ."):
			d.wrong(at+".id", "the id %q cannot stand in an address", p.ID)
		case ids[p.ID]:
			d.wrong(at+".id", "the id %q is there twice", p.ID)
		case p.Type == "oidc" && (p.Issuer == "" || p.ClientID == ""):
			d.wrong(at, "%s: type oidc needs issuer and client_id", at)
		}
		d.checkIssuer(at+".issuer", p.Issuer)
		ids[p.ID] = true
	}
	if c.Login.SessionIdle > c.Login.SessionTTL {
		d.wrong("login.session.idle", "login.session.idle is longer than login.session.ttl")
	}
}

// checkIssuer warns of an issuer whose keys anybody on the way could replace.
func (d *decoder) checkIssuer(at, issuer string) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.IsLoopback() {
		return
	}
	d.warn(at, "%s: over plain HTTP anybody on the way can sign people in", at)
}

func (d *decoder) checkRest(c *Config) {
	for i, s := range c.Audit.Sinks {
		at := fmt.Sprintf("audit.sinks[%d]", i)
		switch {
		case s.Type == "":
			d.wrong(at, "%s needs a type", at)
		case s.Type == "file" && s.Path == "":
			d.wrong(at, "%s: type file needs a path", at)
		case s.Type == "store" && (s.Path != "" || s.Rotate != 0 || s.Keep != 0 || s.Chain):
			d.wrong(at, "%s: type store has no path, rotate, keep or chain", at)
		case s.Rotate > 0 && s.Rotate < 64<<10:
			d.wrong(at+".rotate", "%s.rotate must be at least 64KiB", at)
		}
	}
	for i, e := range c.Embeds {
		at := fmt.Sprintf("embeds[%d]", i)
		if e.ID == "" || len(e.Hosts) == 0 || len(e.Dashboards) == 0 {
			d.wrong(at, "%s needs id, hosts and dashboards", at)
		}
		for j, parent := range e.Parents {
			if _, err := constraints.ParseReferrer(parent); err != nil {
				d.wrong(fmt.Sprintf("%s.parents[%d]", at, j), "%q is no origin: write https://portal.example.org", parent)
			}
		}
		if _, ok := c.Upstream.Identities[e.Identity]; e.Identity != "" && !ok {
			d.wrong(at+".identity", "there is no identity %q in upstream.identities%s", e.Identity, d.near(c, e.Identity))
		}
		if _, ok := c.Rates[e.Rate]; e.Rate != "" && !ok {
			d.wrong(at+".rate", "there is no rate %q in rates", e.Rate)
		}
	}
	for i, t := range c.Tests {
		at := fmt.Sprintf("tests[%d]", i)
		if t.Name == "" || t.Method == "" && !d.set[at+".request"] || t.Expect == "" && !d.set[at+".expect"] {
			d.wrong(at, "%s needs name, request and expect", at)
		}
		if err := checkGiven(t.Given); err != nil {
			d.wrong(at+".given", "%s.given: %v", at, err)
		}
	}
}
