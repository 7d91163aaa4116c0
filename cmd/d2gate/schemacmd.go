package main

import (
	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
)

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of the configuration: every key, what it means, its default", Args: cobra.NoArgs,
		Example: "  d2gate schema > d2gate.schema.json   # then: # yaml-language-server: $schema=d2gate.schema.json",
		RunE: func(*cobra.Command, []string) error {
			_, err := p.stdout.Write(config.Schema())
			return err
		},
	}
}
