package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
)

// reloadResult is what came of the last reload.
type reloadResult struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"` // ok, unchanged or rejected
	Hash   string    `json:"hash"`   // of the configuration in force afterwards
	Error  string    `json:"error,omitempty"`
}

// errRestart says that a change does not act without a restart.
var errRestart = errors.New("needs a restart")

// reload reads the file again and puts it in force at once and wholly, or keeps
// the old one and says why: the file must parse, change nothing that needs a
// restart, and its tests must pass.
func (g *gateway) reload(cfg *config.Config, err error) reloadResult {
	old := g.inForce.Load()
	result := reloadResult{At: g.now().UTC(), Result: "ok", Hash: short(old.Hash)}
	switch {
	case err != nil:
	case cfg.Hash == old.Hash && g.sameSecrets(cfg):
		result.Result = "unchanged"
	default:
		if err = g.apply(old, cfg); err == nil {
			result.Hash = short(cfg.Hash)
		}
	}
	if err != nil {
		result.Result, result.Error = "rejected", err.Error()
	}
	g.metrics.reloads.With([1]string{result.Result}).Inc()
	g.remember(&result)
	return result
}

// remember keeps what status tells. A look that found nothing new, such as that of
// the watcher after SIGHUP, says less than the change that it found in force.
func (g *gateway) remember(r *reloadResult) {
	if last := g.last.Load(); r.Result == "unchanged" && last != nil && last.Result == "ok" {
		return
	}
	g.last.Store(r)
}

// apply checks cfg, makes everything new, and swaps.
func (g *gateway) apply(old, cfg *config.Config) error {
	if keys := needRestart(old, cfg); len(keys) > 0 {
		return fmt.Errorf("%w: %s", errRestart, strings.Join(keys, ", "))
	}
	if err := refuseUnsafe(cfg); err != nil {
		return err
	}
	secrets, err := secretDigest(cfg)
	if err != nil {
		return err
	}
	kept := g.way
	if !sameWay(old, cfg) || secrets != g.secrets {
		kept = nil
	}
	pages, err := consoleSettings(cfg, g.now)
	if err != nil {
		return err
	}
	rules, way, err := g.rules(cfg, kept)
	if err != nil {
		return err
	}
	if err := testFailures(cfg, runTests(rules.Policy, cfg.Tests, g.now())); err != nil {
		return err
	}
	if err := g.proxy.Swap(rules); err != nil {
		return err
	}
	if err := way.ids.throttle.SetRules(loginRules(cfg)); err != nil {
		return fmt.Errorf("rates.login: %w", err) // config has checked them: it cannot be
	}
	if err := g.bearers.trust(cfg, g.now); err != nil {
		return fmt.Errorf("oauth2.trusted_issuers: %w", err) // as above
	}
	g.oauth2.Reload(oauth2Settings(cfg))
	g.console.Reload(pages)
	if g.way != way {
		g.way.forwarder.Close() // requests under way keep their connections
	}
	g.way, g.secrets = way, secrets
	g.users.current.Store(way.ids)
	g.inForce.Store(cfg)
	return nil
}

// needRestart names the keys that differ and act at the start alone.
func needRestart(old, cfg *config.Config) []string {
	var keys []string
	for _, k := range []struct {
		name string
		same bool
	}{
		{"server.public_url", reflect.DeepEqual(old.Server.PublicURL, cfg.Server.PublicURL)},
		{"server.listen", old.Server.Listen == cfg.Server.Listen},
		{"server.tls", reflect.DeepEqual(old.Server.TLS, cfg.Server.TLS)},
		{"server.insecure_http", old.Server.InsecureHTTP == cfg.Server.InsecureHTTP},
		{"server.proxy_protocol", old.Server.ProxyProtocol == cfg.Server.ProxyProtocol},
		{"server.trusted_proxies", !(onlyProxies(old) || old.Server.ProxyProtocol) || reflect.DeepEqual(old.Server.TrustedProxies, cfg.Server.TrustedProxies)},
		{"server.limits", sameServerLimits(old, cfg)},
		{"admin", old.Admin == cfg.Admin},
		{"store", old.Store == cfg.Store},
		{"audit", reflect.DeepEqual(old.Audit, cfg.Audit)},
	} {
		if !k.same {
			keys = append(keys, k.name)
		}
	}
	return keys
}

// sameServerLimits compares the limits that the listener holds.
func sameServerLimits(old, cfg *config.Config) bool {
	a, b := old.Server.Limits, cfg.Server.Limits
	return a.Header == b.Header && a.Target == b.Target && a.HeaderTimeout == b.HeaderTimeout && a.IdleTimeout == b.IdleTimeout
}

// sameWay reports whether both say the same about the way to DHIS2.
func sameWay(old, cfg *config.Config) bool {
	return reflect.DeepEqual(old.Upstream, cfg.Upstream) && reflect.DeepEqual(old.Users, cfg.Users) &&
		reflect.DeepEqual(old.Server.PublicURL, cfg.Server.PublicURL)
}

// sameSecrets compares what the secrets resolve to: a password file may have new
// contents under the same name.
func (g *gateway) sameSecrets(cfg *config.Config) bool {
	now, err := secretDigest(cfg)
	return err == nil && now == g.secrets
}

// watch reloads on SIGHUP and when the file changes, until ctx ends.
func (s *server) watch(ctx context.Context, g *gateway) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	changed := s.fileChanges(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			s.reload(g, "SIGHUP")
		case <-changed:
			s.reload(g, "the file has changed")
		}
	}
}

// reload is the one way in which a configuration changes while we run.
func (s *server) reload(g *gateway, why string) reloadResult {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if s.cfg.File == "" {
		return reloadResult{At: g.now().UTC(), Result: "unchanged", Hash: short(s.cfg.Hash)}
	}
	s.notifySystemd(reloadingState())
	defer s.notifySystemd("READY=1")
	r := g.reload(config.Load(s.cfg.File))
	switch r.Result {
	case "ok":
		s.log.Info("configuration reloaded", "why", why, "hash", r.Hash)
		for _, w := range warnings(g.inForce.Load()) {
			s.log.Warn(w)
		}
	case "rejected":
		s.log.Error("configuration rejected, the old one stays in force", "why", why, "error", r.Error, "hash", r.Hash)
	}
	return r
}

func (p *program) reloadCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "reload", Short: "Make a running d2gate read its file again", Args: cobra.NoArgs,
		Long: "Exits with 3 when the file is rejected; the old configuration then stays in force.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (default: what runs in .d2gate)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		at, err := p.running(*file)
		if err != nil {
			return err
		}
		var r reloadResult
		if err := at.call(c.Context(), "POST", "/reload", nil, &r); err != nil {
			return err
		}
		if r.Result == "rejected" {
			return &exitError{exitConfig, fmt.Errorf("rejected, the old configuration stays in force:\n%s", r.Error)}
		}
		p.say("%s", map[string]string{"ok": "reloaded", "unchanged": "nothing has changed"}[r.Result])
		return nil
	}
	return c
}
