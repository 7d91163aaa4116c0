package config

import (
	"fmt"
	"path/filepath"
	"time"
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
		if d.set["routes"] {
			r.Line = d.place(fmt.Sprintf("routes[%d]", i)).Line
		}
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
