package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/oauth2server"
)

func (p *program) clientCommand() *cobra.Command {
	return group("client", "Register, see, rotate and revoke OAuth2 clients",
		p.clientCreate(), p.clientList(), p.clientRotate(), p.clientRevoke(), p.clientImport())
}

// withClients runs f on the running d2gate, or on its store when none runs.
func (p *program) withClients(ctx context.Context, file string, f func(clientService) error) error {
	at, err := p.place(file)
	if err != nil {
		return err
	}
	server, err := reach(at.cfg.Admin.Socket)
	if err == nil {
		return f(remoteClients{server})
	}
	if !errors.Is(err, errNoServer) {
		return err
	}
	st, err := at.openStore(ctx)
	if err != nil {
		return err
	}
	registry, err := oauth2server.NewRegistry(oauth2server.RegistryConfig{Store: st.OAuth2(), Now: time.Now})
	if err == nil {
		err = f(clients{registry})
	}
	return errors.Join(err, st.Close())
}

var knownGrants = []string{"authorization_code", "refresh_token", "password"}

func (p *program) clientCreate() *cobra.Command {
	c := &cobra.Command{
		Use: "create CLIENT_ID", Short: "Register a client and print its secret, once", Args: cobra.ExactArgs(1),
		Long: "Prints the secret on stdout and nothing else there. It cannot be shown again. A public client has no secret: it proves\n" +
			"each code with PKCE.",
		Example: "  d2gate client create dashboards --redirect-uri https://moh.example/callback\n" +
			"  d2gate client create phone --public --redirect-uri org.example.phone:/callback\n" +
			"  d2gate client create nightly --grant password --grant refresh_token",
	}
	file := configFlag(c)
	var n newClient
	c.Flags().StringVar(&n.Name, "name", "", "name that people are shown (default: the client_id)")
	c.Flags().StringArrayVar(&n.GrantTypes, "grant", knownGrants[:2], "grant that the client may use (may be repeated): "+strings.Join(knownGrants, ", "))
	c.Flags().StringArrayVar(&n.RedirectURIs, "redirect-uri", nil, "where answers may go, to the letter (may be repeated)")
	c.Flags().BoolVar(&n.Public, "public", false, "no secret; PKCE is required")
	stdin := c.Flags().Bool("secret-stdin", false, "read the secret, 36 characters, from stdin instead of making one")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		n.CID = args[0]
		for _, g := range n.GrantTypes {
			if !slices.Contains(knownGrants, g) {
				return usage("--grant %s: one of %s", g, strings.Join(knownGrants, ", "))
			}
		}
		if *stdin {
			if n.Public {
				return usage("--public and --secret-stdin exclude each other")
			}
			text, err := io.ReadAll(io.LimitReader(p.stdin, 1024))
			if err != nil {
				return err
			}
			if n.Secret = strings.TrimRight(string(text), "\r\n"); n.Secret == "" {
				return usage("--secret-stdin: nothing was sent")
			}
		}
		return p.withClients(c.Context(), *file, func(s clientService) error {
			made, err := s.create(c.Context(), n)
			if err != nil {
				return err
			}
			return p.printClient(o, made)
		})
	}
	return c
}

// printClient prints a secret for the one time: alone, unless a form was asked for.
func (p *program) printClient(o *output, made madeClient) error {
	p.say("client %s (%s), grants: %s, redirect URIs: %s", made.CID, made.UID, dash(strings.Join(made.GrantTypes, " ")), dash(strings.Join(made.RedirectURIs, " ")))
	return p.print(o, view{data: made, names: []string{made.CID}, table: func(w io.Writer) {
		if made.Secret != "" {
			row(w, made.Secret)
		}
	}})
}

func (p *program) clientList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List clients", Args: cobra.NoArgs}
	file := configFlag(c)
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return p.withClients(c.Context(), *file, func(s clientService) error {
			list, err := s.list(c.Context())
			if err != nil {
				return err
			}
			return p.print(o, clientTable(list))
		})
	}
	return c
}

func clientTable(list []clientView) view {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.CID
	}
	return view{data: list, names: names, table: func(w io.Writer) {
		row(w, "CLIENT_ID", "NAME", "KIND", "GRANTS", "REDIRECT URIS", "UPDATED")
		for _, v := range list {
			kind := "secret"
			if v.Public {
				kind = "public"
			}
			row(w, v.CID, v.Name, kind, dash(strings.Join(v.GrantTypes, " ")), dash(strings.Join(v.RedirectURIs, " ")), v.LastUpdated.Format(time.RFC3339))
		}
	}}
}

func (p *program) clientRotate() *cobra.Command {
	c := &cobra.Command{
		Use: "rotate CLIENT_ID", Short: "Give a client a new secret and print it, once", Args: cobra.ExactArgs(1),
		Long: "The old secret stops at once; tokens that were issued live on. A public client becomes one with a secret.",
	}
	file := configFlag(c)
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return p.withClients(c.Context(), *file, func(s clientService) error {
			made, err := s.rotate(c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.printClient(o, made)
		})
	}
	return c
}

func (p *program) clientRevoke() *cobra.Command {
	c := &cobra.Command{
		Use: "revoke CLIENT_ID", Short: "Delete a client with its codes, tokens and consents", Args: cobra.ExactArgs(1),
		Long: "Its access and refresh tokens stop on the next request.",
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return p.withClients(c.Context(), *file, func(s clientService) error {
			v, err := s.revoke(c.Context(), args[0])
			if err == nil {
				p.say("client %s (%s) is gone, and its tokens with it", v.CID, v.UID)
			}
			return err
		})
	}
	return c
}
