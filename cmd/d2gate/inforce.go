package main

import (
	"reflect"
	"slices"

	"github.com/d2gate/d2gate/config"
)

// notInForce names the keys of the file that are read and checked, but that this
// d2gate does not act on yet, so that nothing is ignored in silence.
func notInForce(cfg *config.Config) []string {
	plain, err := config.Parse("defaults", []byte("version: 1\nserver: {public_url: \"http://127.0.0.1\"}\nupstream: {url: \"http://127.0.0.1\"}\nstore: {url: \"sqlite:x\"}\n"))
	if err != nil {
		return []string{"(unknown: " + err.Error() + ")"} // a fault of ours, shown rather than hidden
	}
	var keys []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"oauth2", !reflect.DeepEqual(cfg.OAuth2, plain.OAuth2)},
		{"login", !reflect.DeepEqual(cfg.Login, plain.Login)},
		{"embeds", len(cfg.Embeds) > 0},
		{"tokens.notices", len(cfg.Tokens.Notices.BeforeExpiry) > 0 || !cfg.Tokens.Notices.Webhook.IsZero()},
		{"audit.sinks of type store", slices.ContainsFunc(cfg.Audit.Sinks, func(s config.Sink) bool { return s.Type == "store" })},
		{"credentials: session", usesSession(cfg)},
	} {
		if k.set {
			keys = append(keys, k.name)
		}
	}
	return keys
}

func usesSession(cfg *config.Config) bool {
	return slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return slices.Contains(r.Credentials, "session") })
}
