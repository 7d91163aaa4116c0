package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
)

// defaultAdmin is where the admin listener is unless the file says otherwise.
const defaultAdmin = "127.0.0.1:9090"

func (p *program) healthCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "health", Short: "Ask a running d2gate whether it is ready", Args: cobra.NoArgs,
		Long: "Asks /readyz of the admin listener and exits with 0 if it is ready, else with 1.\nMade for HEALTHCHECK in a container, where there is no curl.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file, to learn admin.listen")
	listen := c.Flags().String("admin-listen", "", "address of the admin listener (default "+defaultAdmin+")")
	c.RunE = func(c *cobra.Command, _ []string) error {
		addr := *listen
		if addr == "" && *file != "" {
			cfg, err := config.Load(*file)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			addr = cfg.Admin.Listen
		}
		if addr == "" {
			addr = defaultAdmin
		}
		return p.askReady(c, addr)
	}
	return c
}

func (p *program) askReady(c *cobra.Command, addr string) error {
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, "http://"+addr+"/readyz?verbose", nil)
	if err != nil {
		return usage("admin address %q: %w", addr, err)
	}
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("not reachable: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready:\n%s", strings.TrimSpace(string(body)))
	}
	fmt.Fprintln(p.stdout, "ready")
	return nil
}
