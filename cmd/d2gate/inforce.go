package main

import "github.com/d2gate/d2gate/config"

// notInForce names the keys of the file that are read and checked, but that this
// d2gate does not act on yet, so that nothing is ignored in silence.
func notInForce(cfg *config.Config) []string {
	var keys []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"embeds", len(cfg.Embeds) > 0},
		{"tokens.notices", len(cfg.Tokens.Notices.BeforeExpiry) > 0 || !cfg.Tokens.Notices.Webhook.IsZero()},
	} {
		if k.set {
			keys = append(keys, k.name)
		}
	}
	return keys
}
