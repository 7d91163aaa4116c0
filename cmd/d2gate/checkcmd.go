package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/proxy"
)

func (p *program) checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check -c FILE", Short: "Check a configuration file and run its tests", Args: cobra.NoArgs,
		Long: "Reads the file alone: no secret is resolved and no named file is opened. Exits with 3 when the file is wrong or\n" +
			"one of its tests fails; warns of rules that can never match and of keys that are not yet in force.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (required)")
	o := outputFlag(c, "table", "json")
	c.RunE = func(*cobra.Command, []string) error {
		if err := o.check(); err != nil {
			return err
		}
		cfg, policy, err := p.loadPolicy(*file, "check")
		if err != nil {
			return err
		}
		warned := append(shadowed(policy), warnings(cfg)...)
		for _, w := range warned {
			p.say("warning: %s", w)
		}
		results := runTests(policy, cfg.Tests, time.Now())
		if err := testFailures(cfg, results); err != nil {
			return &exitError{exitConfig, err}
		}
		return p.print(o, view{
			data: map[string]any{"file": cfg.File, "hash": cfg.Hash, "routes": len(cfg.Routes), "tests": len(results), "warnings": warned},
			table: func(w io.Writer) {
				fmt.Fprintf(w, "%s is good: %s, %s passed\n", *file, count(len(cfg.Routes), "route"), count(len(results), "test"))
			},
		})
	}
	return c
}

// shadowed says which routes can never match.
func shadowed(policy *proxy.Policy) []string {
	var list []string
	for _, s := range policy.Shadows() {
		list = append(list, fmt.Sprintf("route %q (line %d) can never match: %q (line %d) takes all of its requests", s.Route.ID, s.Route.Line, s.By.ID, s.By.Line))
	}
	return list
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// loadPolicy reads the file that a verb needs, and compiles its policy.
func (p *program) loadPolicy(file, verb string) (*config.Config, *proxy.Policy, error) {
	if file == "" {
		return nil, nil, required(verb + ": -c FILE")
	}
	cfg, err := p.load(file)
	if err != nil {
		return nil, nil, err
	}
	policy, err := proxy.Compile(cfg)
	if err != nil {
		return nil, nil, &exitError{exitConfig, err}
	}
	return cfg, policy, nil
}
