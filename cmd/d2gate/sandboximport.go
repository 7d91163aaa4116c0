package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// importPlan is what `d2gate sandbox import` was asked.
type importPlan struct {
	box    sandboxPlan
	user   string
	params map[string]*string // of POST /api/metadata
}

func (p *program) sandboxImportCommand() *cobra.Command {
	plan := importPlan{params: map[string]*string{}}
	c := &cobra.Command{
		Use: "import FILE", Short: "Import metadata into a sandbox that does not run", Args: cobra.ExactArgs(1),
		Long: "Reads an export of a DHIS2 (JSON, also as .gz or .zip; - is standard input) and stores it in a sandbox's database,\n" +
			"as POST /api/metadata would. The report goes to standard output as DHIS2 prints it.\n" +
			"Exits with 1 when anything was ignored.",
		Example: "  d2gate sandbox import metadata.json.gz\n  d2gate sandbox import --import-mode VALIDATE metadata.json",
	}
	c.Flags().StringVar(&plan.box.data, "data", demoFolder, "folder of sandbox.db")
	c.Flags().StringVar(&plan.box.version, "dhis2-version", "", "DHIS2 version to play, 2.36 to 2.44 (default the newest)")
	c.Flags().StringVar(&plan.user, "user", "admin", "as whom")
	for _, f := range []struct{ flag, param, usual, help string }{
		{"import-mode", "importMode", "COMMIT", "COMMIT or VALIDATE"},
		{"import-strategy", "importStrategy", "CREATE_AND_UPDATE", "CREATE_AND_UPDATE, CREATE, UPDATE or DELETE"},
		{"atomic-mode", "atomicMode", "ALL", "ALL: all or nothing; NONE: what can be stored"},
		{"identifier", "identifier", "UID", "UID or CODE"},
	} {
		plan.params[f.param] = c.Flags().String(f.flag, f.usual, f.help)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		plan.box.now = time.Now
		body, err := p.openInput(args[0])
		if err != nil {
			return err
		}
		return errors.Join(p.sandboxImport(c.Context(), plan, body), body.Close())
	}
	return c
}

func (p *program) sandboxImport(ctx context.Context, plan importPlan, body io.Reader) (err error) {
	b, err := openSandbox(ctx, plan.box)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	u, err := b.Metadata().UserByUsername(ctx, plan.user)
	if err != nil {
		return fmt.Errorf("--user %s: %w", plan.user, err)
	}
	params := map[string]string{}
	for name, value := range plan.params {
		params[name] = *value
	}
	result, err := b.Metadata().Import(ctx, u, params, body, p.progress())
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if _, err := fmt.Fprintf(p.stdout, "%s\n", result.Report); err != nil {
		return err
	}
	s := result.Stats
	p.say("%s: %d created, %d updated, %d deleted, %d ignored", result.Status, s.Created, s.Updated, s.Deleted, s.Ignored)
	return importVerdict(result)
}

// importVerdict is the exit code: the report has told why.
func importVerdict(r metadata.ImportResult) error {
	if r.Status != "OK" {
		return &exitError{code: exitFailed}
	}
	return nil
}

// progress tells how far an import is: on a terminal in one line that is written
// over, else every tenth part.
func (p *program) progress() func(done, total int) {
	line, told := p.colours(p.stderr), -1
	return func(done, total int) {
		if total == 0 {
			return
		}
		percent := done * 100 / total
		switch {
		case line && percent != told:
			fmt.Fprintf(p.stderr, "\r%3d %%  %d of %d", percent, done, total)
			if done == total {
				fmt.Fprintln(p.stderr)
			}
		case !line && percent/10 != told/10:
			p.say("%3d %%  %d of %d", percent, done, total)
		default:
			return
		}
		told = percent
	}
}
