package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (p *program) tokenRotate() *cobra.Command {
	c := &cobra.Command{
		Use: "rotate UID|NAME", Short: "Give a token a new secret and print it, once", Args: cobra.ExactArgs(1),
		Long: "Everything but the secret stays. The old secret works until --overlap is over.",
	}
	file := configFlag(c)
	var how rotateToken
	c.Flags().StringVar(&how.Overlap, "overlap", "", "how long the old secret works on: 24h, 0 (default: tokens.rotation.overlap)")
	c.Flags().StringVar(&how.Expires, "expires", "", "new expiry: 30d, 12h, 2027-01-31 or never")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			made, err := t.rotate(c.Context(), args[0], how)
			if err != nil {
				return err
			}
			return p.printMade(o, made)
		})
	}
	return c
}

func (p *program) tokenRevoke() *cobra.Command {
	c := &cobra.Command{
		Use: "revoke UID|NAME...", Short: "End tokens", Args: cobra.MinimumNArgs(1),
		Long: "The next request with the token is refused. It cannot be undone.",
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			var errs []error
			for _, name := range args {
				v, err := t.revoke(c.Context(), name)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
					continue
				}
				p.say("revoked %s", strings.TrimSpace(v.UID+" "+v.Name))
			}
			return errors.Join(errs...)
		})
	}
	return c
}

func (p *program) tokenInspect() *cobra.Command {
	c := &cobra.Command{
		Use: "inspect -", Short: "Say what a token's text is, read from stdin", Args: cobra.ExactArgs(1),
		Example: "  d2gate token inspect - < .d2gate/demo.pat",
	}
	file := configFlag(c)
	o := outputFlag(c, "table", "json", "yaml")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if args[0] != "-" {
			return usage("token inspect: a secret is never an argument; give - and the token on stdin")
		}
		text, err := p.readSecret("Token: ")
		if err != nil {
			return err
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			seen, err := t.inspect(c.Context(), text)
			if err != nil {
				return err
			}
			return p.print(o, inspected(seen))
		})
	}
	return c
}

// readSecret reads one line of stdin, without echo on a terminal.
func (p *program) readSecret(prompt string) (string, error) {
	if f, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(p.stderr, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.stderr)
		return strings.TrimSpace(string(b)), err
	}
	line, err := bufio.NewReader(io.LimitReader(p.stdin, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("nothing on stdin")
	}
	return line, nil
}

func inspected(seen inspection) view {
	return view{data: seen, table: func(w io.Writer) {
		row(w, "form", map[string]string{
			"valid": "a token, and its checksum fits", "checksum": "the checksum does not fit: cut off or mistyped", "malformed": "no token",
		}[seen.Form])
		if seen.Form != "valid" {
			return
		}
		row(w, "prefix", seen.Prefix)
		row(w, "hash", seen.Hash+"…")
		if !seen.Known {
			row(w, "known", "no: never issued here, or revoked")
			return
		}
		if seen.Old {
			row(w, "secret", "replaced by a rotation")
		}
		tokenDetails(*seen.Token, time.Now()).table(w)
	}}
}
