package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/store"
)

// demoPassword is known to everyone who has read the documentation.
const demoPassword = "district"

// refuseUnsafe is the rule of design 1 for a listener that others can reach. What
// it refuses needs the file alone, and the secrets that it names.
func refuseUnsafe(cfg *config.Config) error {
	if loopback(cfg.Server.Listen) {
		return nil
	}
	var errs []error
	if plainHTTP(cfg) && !cfg.Server.InsecureHTTP && len(cfg.Server.TrustedProxies) == 0 {
		errs = append(errs, errors.New("server.listen: plain HTTP on "+cfg.Server.Listen+
			" would show every credential to the network: set server.tls, or trusted_proxies (only these may then connect), or insecure_http: true"))
	}
	for _, i := range everyIdentity(cfg) {
		if i.Mode != "basic" {
			continue
		}
		password, err := i.Password.Resolve()
		if err != nil {
			errs = append(errs, fmt.Errorf("upstream identity %s: %w", nameOf(i), err))
		} else if password == demoPassword {
			errs = append(errs, fmt.Errorf("upstream identity %s: the password of DHIS2's demo is not for a server that others can reach", nameOf(i)))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &exitError{exitConfig, errors.Join(errs...)}
}

// refuseDemo refuses a store that demo mode has made.
func refuseDemo(ctx context.Context, st *store.Store, location string) error {
	demo, err := st.IsDemo(ctx)
	if err != nil {
		return err
	}
	if demo {
		return fmt.Errorf("%s was made by demo mode: begin with a store of its own on a listener that others can reach", location)
	}
	return nil
}

func plainHTTP(cfg *config.Config) bool { return cfg.Server.TLS == nil }

// onlyProxies reports whether the listener takes connections of trusted proxies
// alone: plain HTTP that others can reach, allowed because a proxy is in front.
func onlyProxies(cfg *config.Config) bool {
	return plainHTTP(cfg) && !cfg.Server.InsecureHTTP && !loopback(cfg.Server.Listen)
}

// warnings are what an operator should know at the start.
func warnings(cfg *config.Config) []string {
	list := slices.Clone(cfg.Warnings)
	if later := notInForce(cfg); len(later) > 0 {
		list = append(list, "not yet in force: "+strings.Join(later, ", "))
	}
	if plainHTTP(cfg) && cfg.Server.InsecureHTTP && !loopback(cfg.Server.Listen) {
		list = append(list, "insecure_http: credentials travel in the clear to "+cfg.Server.Listen)
	}
	return list
}
