package main

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/internal/sandbox"
	"github.com/d2gate/d2gate/internal/store"
)

// sandboxPlan says which DHIS2 to play.
type sandboxPlan struct {
	data     string // folder of sandbox.db
	version  string // DHIS2's; "" means the newest
	issuer   string // whose JWTs it trusts; "" means nobody's
	audience string
	now      func() time.Time
}

// box is an open sandbox and its database.
type box struct {
	*sandbox.Sandbox
	db *sql.DB
}

func openSandbox(ctx context.Context, plan sandboxPlan) (*box, error) {
	db, err := store.OpenSQLite(filepath.Join(plan.data, "sandbox.db"))
	if err != nil {
		return nil, err
	}
	s, err := sandbox.New(ctx, sandbox.Config{
		DB: db, Version: plan.version, TrustIssuer: plan.issuer, Audience: plan.audience, MappingClaim: "username", Now: plan.now,
	})
	if err != nil {
		_ = db.Close() // the first error is told
		return nil, err
	}
	return &box{s, db}, nil
}

func (b *box) close() error { return b.db.Close() }

func (b *box) service(l net.Listener, log *slog.Logger) service {
	return service{name: "sandbox", listeners: []net.Listener{l}, server: newServer(serverConfig{handler: b, log: log})}
}

func (p *program) sandboxCommand() *cobra.Command {
	var plan sandboxPlan
	c := &cobra.Command{
		Use: "sandbox", Short: "Run the small DHIS2 look-alike alone", Args: cobra.NoArgs,
		Long:    "Runs the DHIS2 of demo mode alone, to develop or test against (administrator admin, password district).\nIt is no DHIS2: keep it away from real data and open networks.",
		Example: "  d2gate sandbox --listen 127.0.0.1:8081 --data ./box --trust-issuer http://127.0.0.1:8080/d2gate/issuer --audience d2gate",
	}
	addr := c.Flags().String("listen", "127.0.0.1:8081", "address to listen on")
	c.Flags().StringVar(&plan.data, "data", demoFolder, "folder of sandbox.db")
	c.Flags().StringVar(&plan.version, "dhis2-version", "", "DHIS2 version to play, 2.36 to 2.44 (default the newest)")
	c.Flags().StringVar(&plan.issuer, "trust-issuer", "", "issuer URL whose JWTs sign users in")
	c.Flags().StringVar(&plan.audience, "audience", "d2gate", "audience that those JWTs must have")
	c.RunE = func(c *cobra.Command, _ []string) error {
		l, err := listen(*addr, "--listen")
		if err != nil {
			return err
		}
		plan.now = time.Now
		return p.runSandbox(c.Context(), l, plan)
	}
	c.AddCommand(p.sandboxImportCommand())
	return c
}

func (p *program) runSandbox(ctx context.Context, l net.Listener, plan sandboxPlan) error {
	b, err := openSandbox(ctx, plan)
	if err != nil {
		_ = l.Close() // the first error is told
		return err
	}
	p.say("sandbox DHIS2 at http://%s (admin/district), data in %s", reachable(l.Addr().String()), plan.data)
	p.say("Ready")
	err = serveAll(ctx, []service{b.service(l, p.logger(warnOnly))}, 5*time.Second, func() {})
	if e := b.close(); err == nil {
		err = e
	}
	return err
}
