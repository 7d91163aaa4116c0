package main

import (
	"log/slog"

	"github.com/spf13/cobra"
)

// warnOnly keeps the terminal of demo mode for its banner.
const warnOnly = slog.LevelWarn

func (p *program) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "serve -c FILE", Short: "Run the gateway", Args: cobra.NoArgs,
		Long: "Runs the gateway until SIGTERM, which lets requests under way finish (server.shutdown_grace).\n" +
			"The file is read again on SIGHUP, when it changes, and by d2gate reload.\n\n" +
			"On a listener that is not loopback it refuses data made by demo mode, the password of the demo, and plain HTTP\n" +
			"unless trusted_proxies (connections of any other peer are closed) or insecure_http says why.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (required)")
	verbose := c.Flags().BoolP("verbose", "v", false, "log what is normal too")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *file == "" {
			return required("serve: -c FILE")
		}
		cfg, err := p.load(*file)
		if err != nil {
			return err
		}
		level := slog.LevelInfo
		if *verbose {
			level = slog.LevelDebug
		}
		s := &server{program: p, cfg: cfg, log: p.logger(level)}
		return s.run(c.Context())
	}
	return c
}
