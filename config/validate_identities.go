package config

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

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

func (d *decoder) near(c *Config, name string) string { return nearest(name, c.Upstream.Identities) }

func nearRate(c *Config, name string) string { return nearest(name, c.Rates) }

// nearest is "; did you mean …?" when the operator has given one a name like it.
func nearest[T any](name string, given map[string]T) string {
	if s := suggest(name, slices.Sorted(maps.Keys(given))); s != "" {
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
