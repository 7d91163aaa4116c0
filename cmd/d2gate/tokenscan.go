package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/pat"
)

// finding is a place where a token stands. The token itself is not told.
type finding struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	UID    string `json:"uid,omitempty"` // if it is in force here
	Name   string `json:"name,omitempty"`
	User   string `json:"user,omitempty"`
}

// tokenLike finds what may be a token; the checksum decides.
var tokenLike = regexp.MustCompile(`d2pat_[0-9A-Za-z]{42}|d2p_[0-9A-Za-z]{50}`)

func (p *program) tokenScan() *cobra.Command {
	c := &cobra.Command{
		Use: "scan PATH...", Short: "Find tokens in files, by their checksum", Args: cobra.MinimumNArgs(1),
		Long: "Looks through files and folders for texts that are tokens and prints where they stand, never the tokens. Those in\n" +
			"force here are named, so that they can be revoked. Exits with 5 when something was found.",
	}
	file := configFlag(c)
	offline := c.Flags().Bool("offline", false, "do not ask which of them are in force")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		found := []finding{}
		look := func(t tokenService) error {
			for _, root := range args {
				if err := scanTree(c.Context(), root, t, &found); err != nil {
					return err
				}
			}
			return nil
		}
		err := error(nil)
		if *offline {
			err = look(nil)
		} else {
			err = p.withTokens(c.Context(), *file, look)
		}
		if err != nil {
			return err
		}
		if err := p.print(o, findings(found)); err != nil || len(found) == 0 {
			return err
		}
		return &exitError{code: exitRefused}
	}
	return c
}

func findings(found []finding) view {
	var names []string
	for _, f := range found {
		names = append(names, f.File+":"+strconv.Itoa(f.Line))
	}
	return view{data: found, names: names, table: func(w io.Writer) {
		for _, f := range found {
			what := "a token, not in force here"
			if f.UID != "" {
				what = "token " + f.UID + " " + f.Name + " of " + f.User + ": d2gate token revoke " + f.UID
			}
			row(w, fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column), what)
		}
	}}
}

// scanTree looks through a file or a folder; links and devices are passed over.
func scanTree(ctx context.Context, root string, t tokenService, found *[]finding) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" && path != root {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return errors.Join(ctx.Err(), scanFile(ctx, path, t, found))
	})
}

// maxScan is the largest file that is looked through, in bytes.
const maxScan = 64 << 20

func scanFile(ctx context.Context, path string, t tokenService, found *[]finding) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxScan))
	if err != nil {
		return err
	}
	for _, at := range tokenLike.FindAllIndex(text, -1) {
		token := string(text[at[0]:at[1]])
		if _, err := pat.Parse(token); err != nil {
			continue
		}
		one := finding{File: path, Line: 1, Column: at[0] + 1}
		for i, b := range text[:at[0]] {
			if b == '\n' {
				one.Line, one.Column = one.Line+1, at[0]-i
			}
		}
		if t != nil {
			seen, err := t.inspect(ctx, token)
			if err != nil {
				return err
			}
			if seen.Token != nil {
				one.UID, one.Name, one.User = seen.Token.UID, seen.Token.Name, seen.Token.User
			}
		}
		*found = append(*found, one)
	}
	return nil
}
