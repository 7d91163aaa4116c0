package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// demoFlags are those of d2gate without a verb.
type demoFlags struct{ listen, admin, data string }

func (p *program) demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "d2gate",
		Short: "An authentication and token gateway in front of DHIS2",
		Long: "An authentication and token gateway in front of DHIS2.\n\n" +
			"Without a verb d2gate runs in demo mode: a gateway, a store and a small DHIS2 to try it on, all on this machine.\n" +
			"For a server of your own: d2gate init, then d2gate serve -c FILE.",
	}
	c.Flags().StringVar(&f.listen, "listen", demoListen, "address of the gateway")
	c.Flags().StringVar(&f.admin, "admin-listen", defaultAdmin, "address of /livez, /readyz and /metrics")
	c.Flags().StringVar(&f.data, "data", demoFolder, "folder of all data")
	c.RunE = func(c *cobra.Command, _ []string) error { return p.demo(c.Context(), f) }
	return c
}

// demo runs everything on this machine: the sandbox first, since the gateway asks
// it, then the gateway as serve does, then a token and the words to try.
func (p *program) demo(ctx context.Context, f demoFlags) error {
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return err
	}
	var open []*door
	defer func() {
		for _, l := range open {
			_ = l.Close() // a server has closed it already
		}
	}()
	for _, l := range []struct{ addr, flag string }{{f.listen, "--listen"}, {f.admin, "--admin-listen"}, {"127.0.0.1:0", ""}} {
		listener, err := listen(l.addr, l.flag)
		if err != nil {
			return err
		}
		open = append(open, listener)
	}
	cfg, err := demoConfig(demoPlan{
		folder: f.data, listen: open[0].Addr().String(), admin: open[1].Addr().String(), upstream: open[2].Addr().String(),
	})
	if err != nil {
		return err
	}
	box, err := openSandbox(ctx, sandboxPlan{
		data: f.data, version: cfg.Sandbox.Version, issuer: cfg.Server.PublicURL.JoinPath("d2gate", "issuer").String(), audience: demoAudience, now: time.Now,
	})
	if err != nil {
		return err
	}
	defer box.close()
	s := &server{
		program: p, cfg: cfg, log: p.logger(warnOnly), demo: true,
		listeners: listeners{door: open[0], admin: open[1]},
		sandbox:   &behind{service: box.service(open[2], p.logger(warnOnly)), sessions: box.SessionsOpened},
	}
	s.ready = func(ctx context.Context, g *gateway) error { return p.welcome(ctx, g, f) }
	return s.run(ctx)
}

// welcome makes the token of this start and says what to try.
func (p *program) welcome(ctx context.Context, g *gateway, f demoFlags) error {
	if err := g.tokens.revokeDemo(ctx); err != nil {
		return fmt.Errorf("revoke the last demo token: %w", err)
	}
	made, err := g.tokens.create(ctx, newToken{User: "admin", Name: demoTokenCode, Expires: "24h", origin: "demo"})
	if err != nil {
		return fmt.Errorf("make the demo token: %w", err)
	}
	file := filepath.Join(f.data, "demo.pat")
	if err := writePrivate(file, made.Token+"\n"); err != nil {
		return err
	}
	p.banner(g, f, file)
	return nil
}

// writePrivate puts a secret into a file of mode 0600, in one step.
func writePrivate(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new") // made with 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is told
	}
	return err
}
