package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/pat"
)

func (p *program) tokenCommand() *cobra.Command {
	return group("token", "Make, limit, see and revoke personal access tokens",
		p.tokenCreate(), p.tokenList(), p.tokenShow(), p.tokenEdit(), p.tokenRotate(), p.tokenRevoke(), p.tokenInspect(), p.tokenImport(), p.tokenScan())
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
