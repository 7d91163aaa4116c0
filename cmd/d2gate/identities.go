package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/internal/store"
)

// identities are all ways in which this d2gate signs in to DHIS2, and what it
// knows of accounts there.
type identities struct {
	upstreams map[string]identity.Upstream // by name; "" is the default one
	issuer    *identity.Issuer             // nil if no identity is a jwt
	throttle  *identity.Throttle
	passwords *identity.Basic
	login     *identity.Login
	directory *identity.Directory
}

// identityConfig is what the identities are made of.
type identityConfig struct {
	config *config.Config
	server identity.Server // where DHIS2 is asked
	store  *store.Store    // keeps native tokens; nil where none can be made
	folder string          // of issuer.pem unless the file names another
	now    func() time.Time
}

// openIdentities makes them, in this order: the key and issuer of the jwt
// identities, each identity by name, then the questions about accounts.
func openIdentities(c identityConfig) (*identities, error) {
	m := &identityMaker{
		identityConfig: c, keys: map[string]*identity.SigningKey{}, sessions: identity.NewSessions(identity.SessionsConfig{Now: c.now}),
	}
	all := &identities{upstreams: map[string]identity.Upstream{}}
	var err error
	for _, i := range everyIdentity(c.config) {
		if all.upstreams[i.Name], err = m.upstream(i); err != nil {
			return nil, fmt.Errorf("upstream identity %s: %w", nameOf(i), err)
		}
	}
	account, err := m.stateAccount(all.upstreams)
	if err != nil {
		return nil, fmt.Errorf("users.state.as: %w", err)
	}
	if len(m.keys) > 0 {
		keys := slices.Collect(maps.Values(m.keys))
		if all.issuer, err = identity.NewIssuer(identity.IssuerConfig{URL: m.issuer, Keys: keys}); err != nil {
			return nil, err
		}
	}
	if err := all.ask(c, account); err != nil {
		return nil, err
	}
	return all, nil
}

// everyIdentity lists the default identity and the named ones, by name.
func everyIdentity(cfg *config.Config) []config.Identity {
	list := []config.Identity{cfg.Upstream.Identity}
	list[0].Name = ""
	for _, name := range sortedKeys(cfg.Upstream.Identities) {
		i := cfg.Upstream.Identities[name]
		i.Name = name
		list = append(list, i)
	}
	return list
}

func nameOf(i config.Identity) string {
	if i.Name == "" {
		return "(default)"
	}
	return i.Name
}

// ask makes what knows of passwords and accounts.
func (all *identities) ask(c identityConfig, account *identity.Account) (err error) {
	rules := loginRules(c.config)
	if all.throttle, err = identity.NewThrottle(identity.ThrottleConfig{Rules: rules, Now: c.now}); err != nil {
		return fmt.Errorf("rates.login: %w", err)
	}
	all.passwords, err = identity.NewBasic(identity.BasicConfig{Server: c.server, Throttle: all.throttle, Now: c.now})
	if err != nil {
		return err
	}
	all.login, err = identity.NewLogin(identity.LoginConfig{
		Server: c.server, Throttle: all.throttle, Basic: all.passwords, BasicOnly: c.config.Upstream.Identity.Mode == "none", Now: c.now,
	})
	if err != nil {
		return err
	}
	d := identity.DirectoryConfig{Server: c.server, Account: account, CheckEvery: c.config.Users.State.CheckEvery, Now: c.now}
	if _, ok := all.upstreams[""].(*identity.JWT); ok {
		d.Self = all.upstreams[""]
	}
	all.directory, err = identity.NewDirectory(d)
	return err
}

// loginRules are the rules of rates.login.
func loginRules(cfg *config.Config) []identity.Rule {
	var rules []identity.Rule
	for _, rate := range cfg.Rates["login"] {
		for _, per := range rate.Per {
			rules = append(rules, identity.Rule{Per: per, Events: rate.Events, Window: rate.Window, Burst: rate.Burst})
		}
	}
	return rules
}

// identityMaker makes identities that share keys, sessions and an issuer.
type identityMaker struct {
	identityConfig
	keys     map[string]*identity.SigningKey // by file
	issuer   string                          // of all jwt identities
	sessions *identity.Sessions              // of all jwt identities: a user has the same sessions by each
}

func (m *identityMaker) upstream(i config.Identity) (identity.Upstream, error) {
	switch i.Mode {
	case "jwt":
		return m.jwt(i)
	case "basic":
		password, err := i.Password.Resolve()
		if err != nil {
			return nil, err
		}
		return identity.NewPool(identity.PoolConfig{
			Server: m.server, Username: i.Username, Password: identity.NewPassword(password), Sessions: i.Sessions, Now: m.now,
		})
	case "pat":
		return m.native()
	case "passthrough":
		return identity.Passthrough{}, nil
	case "none":
		return identity.None{}, nil
	}
	return nil, fmt.Errorf("no such mode %q", i.Mode)
}

// jwt makes the mode jwt. One issuer serves all of them, so they must agree on its
// address.
func (m *identityMaker) jwt(i config.Identity) (identity.Upstream, error) {
	issuer := issuerURL(m.config, i)
	if m.issuer != "" && m.issuer != issuer {
		return nil, fmt.Errorf("issuer %s: another jwt identity has %s, and d2gate serves one", issuer, m.issuer)
	}
	m.issuer = issuer
	key, err := m.key(i)
	if err != nil {
		return nil, err
	}
	return identity.NewJWT(identity.JWTConfig{
		Key: key, Issuer: issuer, Audience: i.Audience, Claim: i.Claim, TTL: i.TTL, Fixed: i.Username,
		Sessions: m.sessions, Now: m.now,
	})
}

func (m *identityMaker) key(i config.Identity) (*identity.SigningKey, error) {
	file := filepath.Join(m.folder, "issuer.pem")
	if !i.SigningKey.IsZero() {
		name, ok := i.SigningKey.Path()
		if !ok { // env: or a credential: the text itself
			return m.keyText(i.SigningKey)
		}
		file = name
	}
	if key, ok := m.keys[file]; ok {
		return key, nil
	}
	key, err := identity.OpenSigningKey(file)
	if err == nil {
		m.keys[file] = key
	}
	return key, err
}

func (m *identityMaker) keyText(s config.Secret) (*identity.SigningKey, error) {
	text, err := s.Resolve()
	if err != nil {
		return nil, err
	}
	key, err := identity.ParseSigningKey([]byte(text))
	if err == nil {
		m.keys[key.ID()] = key
	}
	return key, err
}

func (m *identityMaker) native() (identity.Upstream, error) {
	if m.store == nil {
		return nil, errors.New("the mode pat needs the store")
	}
	sealer, err := identity.OpenSealer(filepath.Join(m.folder, "native.key"))
	if err != nil {
		return nil, err
	}
	own, err := ownAddress(m.config.Upstream.URL)
	if err != nil {
		return nil, err
	}
	return identity.NewNative(identity.NativeConfig{
		Server: m.server, Store: m.store, Sealer: sealer, Sessions: identity.NewSessions(identity.SessionsConfig{Now: m.now}),
		Address: own, Now: m.now,
	})
}

// ownAddress is the address that DHIS2 sees d2gate come from. Nothing is sent.
func ownAddress(upstream *url.URL) (netip.Addr, error) {
	port := upstream.Port()
	if port == "" {
		port = "80"
	}
	conn, err := net.Dial("udp", net.JoinHostPort(upstream.Hostname(), port))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find our own address: %w", err)
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, errors.New("find our own address: no IP")
	}
	return local.AddrPort().Addr().Unmap().WithZone(""), nil
}

// stateAccount is the identity users.state.as, nil if it is unset. With the
// identity none nothing is asked.
func (m *identityMaker) stateAccount(named map[string]identity.Upstream) (*identity.Account, error) {
	as := m.config.Users.State
	if as.AsIdentity == nil || m.config.Upstream.Identity.Mode == "none" {
		return nil, nil
	}
	up, ok := named[as.As]
	if as.As == "" || !ok {
		var err error
		if up, err = m.upstream(*as.AsIdentity); err != nil {
			return nil, err
		}
	}
	return &identity.Account{As: up, User: identity.User{Username: as.AsIdentity.Username}}, nil
}
