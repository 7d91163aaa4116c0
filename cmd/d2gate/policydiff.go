package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/proxy"
)

// policyDifference is what a change of the file does.
type policyDifference struct {
	Changes   []config.Change `json:"changes"`
	Decisions []decided       `json:"decisions"` // tests of either file that the two decide differently
}

// decided is one test under both files.
type decided struct {
	Test    string `json:"test"`
	Request string `json:"request"`
	Old     string `json:"old"` // allow or a reason
	New     string `json:"new"`
}

func (p *program) policyDiff() *cobra.Command {
	c := &cobra.Command{
		Use: "diff OLD NEW", Short: "Show what a change of the file does", Args: cobra.ExactArgs(2),
		Long: "Compares two files key by key (entries of a list by their id), and decides the tests of both under each: what gets\n" +
			"another decision is shown. Defaults that a file does not write are not compared.",
		Example: "  git show HEAD:d2gate.yaml > /tmp/old.yaml && d2gate policy diff /tmp/old.yaml d2gate.yaml",
	}
	o := outputFlag(c, "table", "json", "yaml", "name")
	code := c.Flags().Bool("exit-code", false, "exit with 1 when the files differ")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		before, old, err := p.loadPolicy(args[0], "policy diff")
		if err != nil {
			return err
		}
		after, young, err := p.loadPolicy(args[1], "policy diff")
		if err != nil {
			return err
		}
		d := policyDifference{Decisions: decisions(old, young, append(before.Tests, after.Tests...), time.Now())}
		if d.Changes, err = config.Diff(before, after); err != nil {
			return err
		}
		if err := p.print(o, differenceView(d)); err != nil {
			return err
		}
		if *code && len(d.Changes) > 0 {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	return c
}

// decisions judges each test under both policies and keeps those that differ. A
// test that stands in both files is judged once.
func decisions(old, young *proxy.Policy, tests []config.Test, now time.Time) []decided {
	seen, out := map[string]bool{}, []decided{}
	a, b := runTests(old, tests, now), runTests(young, tests, now)
	for i := range tests {
		key := a[i].Name + "\n" + a[i].Request
		if a[i].Got != b[i].Got && !seen[key] {
			out = append(out, decided{a[i].Name, a[i].Request, a[i].Got, b[i].Got})
		}
		seen[key] = true
	}
	return out
}

func differenceView(d policyDifference) view {
	var keys []string
	for _, c := range d.Changes {
		keys = append(keys, c.Key)
	}
	return view{data: d, names: keys, table: func(w io.Writer) {
		for _, c := range d.Changes {
			switch {
			case c.Old == "":
				row(w, "+", c.Key, c.New)
			case c.New == "":
				row(w, "-", c.Key, c.Old)
			default:
				row(w, "~", c.Key, c.Old+" -> "+c.New)
			}
		}
		for _, t := range d.Decisions {
			row(w, "!", t.Test, t.Request+": "+t.Old+" -> "+t.New)
		}
	}}
}
