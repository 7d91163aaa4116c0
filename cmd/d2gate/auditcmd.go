package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/internal/audit"
)

func (p *program) auditCommand() *cobra.Command {
	return group("audit", "Read the audit log", p.auditTail(), p.auditSearch(), p.auditVerify())
}

// auditFlags say which log is meant.
type auditFlags struct{ file, path *string }

func addAuditFlags(c *cobra.Command) auditFlags {
	return auditFlags{
		c.Flags().StringP("config", "c", "", "configuration file that names the log (default: the log in .d2gate)"),
		c.Flags().String("file", "", "the log itself"),
	}
}

// log is the path of the log that is meant.
func (f auditFlags) log(p *program) (string, error) {
	if *f.path != "" {
		return *f.path, nil
	}
	place, err := p.place(*f.file)
	if err != nil {
		return "", err
	}
	return place.auditLog()
}

func (p *program) auditTail() *cobra.Command {
	c := &cobra.Command{Use: "tail", Short: "Show the last requests, and go on with --follow", Args: cobra.NoArgs}
	flags := addAuditFlags(c)
	n := c.Flags().IntP("lines", "n", 10, "how many")
	follow := c.Flags().BoolP("follow", "f", false, "wait for more")
	o := outputFlag(c, "table", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		path, err := flags.log(p)
		if err != nil {
			return err
		}
		var end int64
		if info, err := os.Stat(path); err == nil {
			end = info.Size()
		}
		entries, err := audit.Tail(path, *n)
		if err != nil {
			return err
		}
		p.printEntries(o, entries)
		if !*follow {
			return nil
		}
		return p.follow(c.Context(), o, path, end)
	}
	return c
}

// follow prints whole lines as they come, also after a rotation, until ctx ends.
func (p *program) follow(ctx context.Context, o *output, path string, from int64) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		info, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if info.Size() < from {
			from = 0
		}
		text, err := readFrom(path, from)
		if err != nil {
			return err
		}
		whole := text[:bytes.LastIndexByte(text, '\n')+1]
		from += int64(len(whole))
		for line := range bytes.Lines(whole) {
			if e, ok := audit.ParseEntry(bytes.TrimSuffix(line, []byte("\n"))); ok {
				p.printEntries(o, []audit.Entry{e})
			}
		}
	}
}

func readFrom(path string, offset int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, 16<<20))
}

// printEntries writes lines of fixed columns, so that follow can go on below, or
// the lines of the log as they are.
func (p *program) printEntries(o *output, entries []audit.Entry) {
	for i := range entries {
		e := &entries[i]
		if o.format == "json" {
			fmt.Fprintf(p.stdout, "%s\n", e.Raw)
			continue
		}
		verdict := strconv.Itoa(e.UpstreamStatus)
		switch {
		case e.Decision != "allow":
			verdict = e.Reason
		case e.UpstreamStatus == 0:
			verdict = "allowed" // d2gate's own page, or DHIS2 was not reached
		}
		fmt.Fprintf(p.stdout, "%s  %-20s  %-7s %-22s %-15s %-12s %s\n", e.Time, e.RequestID, e.Method, verdict, e.Client, e.User, e.Path)
	}
}

func (p *program) auditSearch() *cobra.Command {
	c := &cobra.Command{
		Use: "search", Short: "Find requests in the log and its rotated files", Args: cobra.NoArgs,
		Example: "  d2gate audit search --reason constraint_method --since 24h\n  d2gate audit search --id 01JD4Z8W -o json",
	}
	flags := addAuditFlags(c)
	var want audit.Entry
	c.Flags().StringVar(&want.RequestID, "id", "", "request id")
	c.Flags().StringVar(&want.Token, "token", "", "uid of a token")
	c.Flags().StringVar(&want.User, "user", "", "user name")
	c.Flags().StringVar(&want.Client, "from", "", "client address")
	c.Flags().StringVar(&want.Route, "route", "", "id of a route")
	c.Flags().StringVar(&want.Decision, "decision", "", "allow or refuse")
	c.Flags().StringVar(&want.Reason, "reason", "", "reason of a refusal")
	since := c.Flags().Duration("since", 0, "no older than this, as 24h")
	n := c.Flags().IntP("lines", "n", 0, "only the last so many")
	o := outputFlag(c, "table", "json")
	c.RunE = func(*cobra.Command, []string) error {
		if err := o.check(); err != nil {
			return err
		}
		path, err := flags.log(p)
		if err != nil {
			return err
		}
		oldest := ""
		if *since > 0 {
			oldest = time.Now().Add(-*since).UTC().Format(time.RFC3339)
		}
		entries, err := audit.Search(path, *n, nil, func(e *audit.Entry) bool {
			return e.Time >= oldest && matches(&want, e)
		})
		if err != nil {
			return err
		}
		p.printEntries(o, entries)
		if len(entries) == 0 {
			return errors.New("no such request in the log")
		}
		return nil
	}
	return c
}

// matches reports whether every member that want sets is the same in e.
func matches(want, e *audit.Entry) bool {
	for _, pair := range [][2]string{
		{want.RequestID, e.RequestID}, {want.Token, e.Token}, {want.User, e.User}, {want.Client, e.Client},
		{want.Route, e.Route}, {want.Decision, e.Decision}, {want.Reason, e.Reason},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return true
}

func (p *program) auditVerify() *cobra.Command {
	c := &cobra.Command{
		Use: "verify", Short: "Follow the hash chain through the log and its rotated files", Args: cobra.NoArgs,
		Long: "Finds lines that were changed, removed or put in. That the end was cut off shows only when the last\nlink differs from one that you noted before: it is printed.",
	}
	flags := addAuditFlags(c)
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(*cobra.Command, []string) error {
		if err := o.check(); err != nil {
			return err
		}
		path, err := flags.log(p)
		if err != nil {
			return err
		}
		v, err := audit.Verify(path)
		if err != nil {
			return err
		}
		if v.Chained == 0 {
			return fmt.Errorf("%s: %d lines, none of them chained (set chain: true on the sink)", path, v.Lines)
		}
		return p.print(o, view{
			data:  map[string]any{"lines": v.Lines, "chained": v.Chained, "head": v.Head},
			names: []string{v.Head},
			table: func(w io.Writer) {
				row(w, "lines", strconv.Itoa(v.Lines))
				row(w, "chained", strconv.Itoa(v.Chained))
				row(w, "head", v.Head)
			},
		})
	}
	return c
}
