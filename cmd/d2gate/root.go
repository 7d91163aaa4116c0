package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// root is the tree of verbs. Without a verb d2gate runs in demo mode.
func (p *program) root() *cobra.Command {
	root := p.demoCommand()
	root.AddCommand(
		p.serveCommand(), p.checkCommand(), p.explainCommand(), p.initCommand(), p.sandboxCommand(),
		p.tokenCommand(), p.clientCommand(), p.policyCommand(), p.dhis2Command(), p.auditCommand(),
		p.reloadCommand(), p.statusCommand(), p.healthCommand(), p.backupCommand(), p.restoreCommand(),
		p.schemaCommand(), p.versionCommand(),
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w (see %s --help)", err, c.CommandPath())
	})
	usageForArguments(root)
	return root
}

// usageForArguments makes every complaint about arguments a usage error.
func usageForArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage("%w (see %s --help)", err, c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageForArguments(sub)
	}
}

// group is a verb that only holds others.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				c.SetOut(c.ErrOrStderr())
				_ = c.Help() // talk; the exit code says that nothing was done
				return &exitError{code: exitUsage}
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return usage("%s: no verb %q, did you mean %s?", c.CommandPath(), args[0], strings.Join(near, " or "))
			}
			return usage("%s: no verb %q (see %[1]s --help)", c.CommandPath(), args[0])
		},
	}
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(verbs...)
	return c
}
