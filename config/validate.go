package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
)

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
			d.wrong(at+".rate", "there is no rate %q in rates%s", e.Rate, nearRate(c, e.Rate))
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
