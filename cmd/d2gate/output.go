package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
)

// output is the -o flag of a verb that prints data.
type output struct {
	format  string
	formats []string
}

// outputFlag adds -o to a verb. The first of formats is the default.
func outputFlag(c *cobra.Command, formats ...string) *output {
	o := &output{formats: formats}
	c.Flags().StringVarP(&o.format, "output", "o", formats[0], "form of the answer: "+strings.Join(formats, ", "))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return o
}

// check refuses a format that the verb does not have, before anything is done.
func (o *output) check() error {
	for _, f := range o.formats {
		if f == o.format {
			return nil
		}
	}
	return usage("-o %s: one of %s", o.format, strings.Join(o.formats, ", "))
}

// view is one thing to print: data for programs, a table and names for people.
type view struct {
	data  any
	table func(w io.Writer) // tab separated
	names []string
}

// print writes v to stdout in the form that was asked for.
func (p *program) print(o *output, v view) error {
	switch o.format {
	case "json":
		return writeJSON(p.stdout, v.data)
	case "yaml":
		text, err := json.Marshal(v.data)
		if err != nil {
			return err
		}
		text, err = config.YAML(text)
		if err != nil {
			return err
		}
		_, err = p.stdout.Write(text)
		return err
	case "name":
		for _, n := range v.names {
			if _, err := fmt.Fprintln(p.stdout, n); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	v.table(t)
	return t.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// row writes one line of a table.
func row(w io.Writer, cells ...string) {
	fmt.Fprintln(w, strings.Join(cells, "\t"))
}
