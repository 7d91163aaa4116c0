package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) policyCommand() *cobra.Command {
	return group("policy", "Try the policy of a configuration file", p.policyTest(), p.policyDiff())
}

func (p *program) policyTest() *cobra.Command {
	c := &cobra.Command{
		Use: "test -c FILE [NAME...]", Short: "Run the tests of a file, one line for each",
		Long: "Runs all tests, or those whose name holds one of NAME. Exits with 5 when one gets another decision than it expects.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (required)")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		cfg, policy, err := p.loadPolicy(*file, "policy test")
		if err != nil {
			return err
		}
		if len(cfg.Tests) == 0 {
			return fmt.Errorf("%s has no tests; write some under tests: (d2gate schema)", *file)
		}
		results := runTests(policy, cfg.Tests, time.Now())
		if results = named(results, args); len(results) == 0 {
			return fmt.Errorf("%s has no test whose name holds %q", *file, strings.Join(args, `", "`))
		}
		if err := p.print(o, testTable(results)); err != nil {
			return err
		}
		for _, r := range results {
			if !r.OK {
				return &exitError{code: exitRefused}
			}
		}
		return nil
	}
	return c
}

func named(results []testResult, names []string) []testResult {
	if len(names) == 0 {
		return results
	}
	var some []testResult
	for _, r := range results {
		for _, n := range names {
			if strings.Contains(r.Name, n) {
				some = append(some, r)
				break
			}
		}
	}
	return some
}

func testTable(results []testResult) view {
	var names []string
	for _, r := range results {
		if !r.OK {
			names = append(names, r.Name)
		}
	}
	return view{data: results, names: names, table: func(w io.Writer) {
		for _, r := range results {
			verdict := "ok"
			if !r.OK {
				verdict = "FAILED: expected " + r.Expected
			}
			row(w, r.Name, r.Request, r.Got, verdict)
		}
	}}
}
