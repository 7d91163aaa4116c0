package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/d2gate/d2gate/pat"
)

func (p *program) tokenCommand() *cobra.Command {
	return group("token", "Make, limit, see and revoke personal access tokens",
		p.tokenCreate(), p.tokenList(), p.tokenShow(), p.tokenEdit(), p.tokenRotate(), p.tokenRevoke(), p.tokenInspect())
}

// withTokens runs f on the running d2gate, or on its store when none runs.
func (p *program) withTokens(ctx context.Context, file string, f func(tokenService) error) error {
	at, err := p.place(file)
	if err != nil {
		return err
	}
	server, err := reach(at.cfg.Admin.Socket)
	if err == nil {
		return told(f(remoteTokens{server}))
	}
	if !errors.Is(err, errNoServer) {
		return err
	}
	st, err := at.openStore(ctx)
	if err != nil {
		return err
	}
	t, err := at.localTokens(st)
	if err == nil {
		err = told(f(t))
	}
	return errors.Join(err, st.Close())
}

// told makes the sentences of the parts into errors of a verb.
func told(err error) error {
	if e, ok := errors.AsType[*pat.RuleError](err); ok {
		return errors.New(e.Message)
	}
	return err
}

func configFlag(c *cobra.Command) *string {
	return c.Flags().StringP("config", "c", "", "configuration file (default: the d2gate in .d2gate)")
}

func addLimits(c *cobra.Command, l *limits, prefix, what string) {
	c.Flags().StringArrayVar(&l.Addresses, prefix+"address", nil, what+" address or CIDR (may be repeated)")
	c.Flags().StringArrayVar(&l.Methods, prefix+"method", nil, what+" method; HEAD is not implied by GET")
	c.Flags().StringArrayVar(&l.Referrers, prefix+"referrer", nil, what+" referrer: origin, host, or origin with a path")
	c.Flags().StringArrayVar(&l.Scopes, prefix+"scope", nil, what+" scope, as dataStore/scorecards:read")
}

func (p *program) tokenCreate() *cobra.Command {
	c := &cobra.Command{
		Use: "create --user NAME", Short: "Make a token and print it, once", Args: cobra.NoArgs,
		Long:    "Prints the token on stdout and nothing else there. It cannot be shown again.",
		Example: "  d2gate token create --user admin --name nightly --expires 90d --method GET --scope dataStore/scorecards:read",
	}
	file := configFlag(c)
	var n newToken
	c.Flags().StringVar(&n.User, "user", "", "user name of DHIS2 that the token acts as (required)")
	c.Flags().StringVar(&n.Name, "name", "", "name of the token, unique, at most 50 characters")
	c.Flags().StringVar(&n.Expires, "expires", "", "30d, 12h, 2027-01-31 or never (default: tokens.default_expiry)")
	addLimits(c, &n.limits, "", "allowed")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if n.User == "" {
			return required("token create: --user NAME")
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			made, err := t.create(c.Context(), n)
			if err != nil {
				return err
			}
			return p.printMade(o, made)
		})
	}
	return c
}

// printMade prints a secret for the one time: alone, unless a form was asked for.
func (p *program) printMade(o *output, made madeToken) error {
	p.say("token %s of %s, expires %s, limits: %s", made.UID, made.User, endWords(made.Expires, time.Now()), made.limits.summary())
	return p.print(o, view{data: made, names: []string{made.UID}, table: func(w io.Writer) { row(w, made.Token) }})
}

func (p *program) tokenList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List tokens", Args: cobra.NoArgs}
	file := configFlag(c)
	user := c.Flags().String("user", "", "only those of this user")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			list, err := t.list(c.Context(), *user)
			if err != nil {
				return err
			}
			return p.print(o, tokenTable(list, time.Now()))
		})
	}
	return c
}

func (p *program) tokenShow() *cobra.Command {
	c := &cobra.Command{Use: "show UID|NAME", Short: "Show one token, without its secret", Args: cobra.ExactArgs(1)}
	file := configFlag(c)
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			v, err := t.show(c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.print(o, tokenDetails(v, time.Now()))
		})
	}
	return c
}

func (p *program) tokenEdit() *cobra.Command {
	c := &cobra.Command{
		Use: "edit UID|NAME", Short: "Change name, expiry and limits; the secret stays", Args: cobra.ExactArgs(1),
		Long:    "--address and its like replace a list, --add-… and --remove-… change it, --clear takes a limit away.\nIt acts on the next request.",
		Example: "  d2gate token edit nightly --add-method HEAD\n  d2gate token edit nightly --clear address --expires 90d",
	}
	file := configFlag(c)
	var e editToken
	name := c.Flags().String("name", "", "new name")
	c.Flags().StringVar(&e.Expires, "expires", "", "30d, 12h, 2027-01-31 or never")
	addLimits(c, &e.Set, "", "the only allowed")
	addLimits(c, &e.Add, "add-", "one more allowed")
	addLimits(c, &e.Remove, "remove-", "no longer allowed")
	c.Flags().StringSliceVar(&e.Clear, "clear", nil, "limits to take away: address, method, referrer, scope")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if c.Flags().Changed("name") {
			e.Name = name
		}
		for _, k := range e.Clear {
			if k != "address" && k != "method" && k != "referrer" && k != "scope" {
				return usage("--clear %s: one of address, method, referrer, scope", k)
			}
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			v, err := t.edit(c.Context(), args[0], e)
			if err != nil {
				return err
			}
			return p.print(o, tokenDetails(v, time.Now()))
		})
	}
	return c
}

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
