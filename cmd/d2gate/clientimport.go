package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/oauth2server"
)

// foreignClient is a row of DHIS2's table oauth2client with those that belong to it
// (DHIS2 up to 2.41), which /api/oAuth2Clients?fields=* of it shows too. DHIS2
// keeps the secret in clear; d2gate stores its hash.
type foreignClient struct {
	UID          string   `json:"id"`
	Name         string   `json:"name"`
	CID          string   `json:"cid"`
	Secret       string   `json:"secret"`
	GrantTypes   []string `json:"grantTypes"`
	RedirectURIs []string `json:"redirectUris"`
}

// clientSQL is what prints the rows that import reads.
const clientSQL = `COPY (SELECT c.uid, c.name, c.cid, c.secret,
        (SELECT json_agg(g.granttype ORDER BY g.sort_order) FROM oauth2clientgranttypes g WHERE g.oauth2clientid = c.oauth2clientid) AS granttypes,
        (SELECT json_agg(r.redirecturi ORDER BY r.sort_order) FROM oauth2clientredirecturis r WHERE r.oauth2clientid = c.oauth2clientid) AS redirecturis
        FROM oauth2client c) TO STDOUT WITH (FORMAT csv, HEADER)`

// clientAdoption is what import sends to the service.
type clientAdoption struct {
	Rows   []foreignClient `json:"rows"`
	DryRun bool            `json:"dryRun,omitempty"`
}

// clientImportResult counts what import did.
type clientImportResult struct {
	Imported int      `json:"imported"`
	Known    int      `json:"known"` // were there already
	Refused  []string `json:"refused,omitempty"`
}

func (p *program) clientImport() *cobra.Command {
	c := &cobra.Command{
		Use: "import FILE|-", Short: "Take over the OAuth2 clients of a DHIS2 up to 2.41", Args: cobra.ExactArgs(1),
		Long: "Reads rows of DHIS2's table oauth2client as CSV with a header, or as JSON: a list, or what its own\n" +
			"/api/oAuth2Clients?fields=*&paging=false answers. The secrets go on working and are stored hashed. The rows, by psql:\n\n    " + clientSQL + "\n\n" +
			"A client with a redirect URI that d2gate would not register is refused and named.",
	}
	file := configFlag(c)
	try := c.Flags().Bool("dry-run", false, "read and check, store nothing")
	o := outputFlag(c, "table", "json", "yaml")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		rows, err := p.readForeignClients(args[0])
		if err != nil {
			return err
		}
		return p.withClients(c.Context(), *file, func(s clientService) error {
			done, err := s.adopt(c.Context(), clientAdoption{rows, *try})
			if err != nil {
				return err
			}
			return p.printImport(o, view{data: done, table: func(w io.Writer) {
				row(w, "imported", strconv.Itoa(done.Imported))
				row(w, "already here", strconv.Itoa(done.Known))
				row(w, "refused", strconv.Itoa(len(done.Refused)))
			}}, done.Refused)
		})
	}
	return c
}

// adopt stores the rows that are good.
func (c clients) adopt(ctx context.Context, a clientAdoption) (done clientImportResult, err error) {
	for i, f := range a.Rows {
		refuse := func(why string) {
			done.Refused = append(done.Refused, fmt.Sprintf("row %d (%s): %s", i+1, f.CID, why))
		}
		_, err := c.registry.Find(ctx, f.CID)
		switch {
		case err == nil:
			done.Known++
			continue
		case !errors.Is(err, oauth2server.ErrUnknown):
			return done, err
		case f.Secret == "": // it would become public
			refuse("no secret")
			continue
		}
		d := oauth2server.Draft{UID: f.UID, Name: f.Name, CID: f.CID, Secret: f.Secret, GrantTypes: f.GrantTypes, RedirectURIs: f.RedirectURIs}
		if a.DryRun {
			err = d.Check()
		} else {
			_, err = c.registry.Register(ctx, byOperator, d)
		}
		if bad, ok := errors.AsType[*oauth2server.DraftError](err); ok {
			refuse(bad.Error())
			continue
		}
		if err != nil {
			return done, err
		}
		done.Imported++
	}
	return done, nil
}

// readForeignClients reads rows from a file or stdin: JSON if it begins so, else
// CSV.
func (p *program) readForeignClients(name string) ([]foreignClient, error) {
	text, err := p.readInput(name, 64<<20)
	if err != nil {
		return nil, err
	}
	switch text = bytes.TrimSpace(text); {
	case bytes.HasPrefix(text, []byte("[")):
		var rows []foreignClient
		return rows, unreadableRows(json.Unmarshal(text, &rows))
	case bytes.HasPrefix(text, []byte("{")):
		var page struct {
			Clients []foreignClient `json:"oAuth2Clients"`
		}
		return page.Clients, unreadableRows(json.Unmarshal(text, &page))
	}
	return csvRows(string(text), (*foreignClient).set)
}

// unreadableRows does not repeat the text: it holds secrets.
func unreadableRows(err error) error {
	if err != nil {
		return errors.New("read JSON: it is no list of clients")
	}
	return nil
}

func (f *foreignClient) set(column, v string) error {
	switch column {
	case "uid", "id":
		f.UID = v
	case "name":
		f.Name = v
	case "cid":
		f.CID = v
	case "secret":
		f.Secret = v
	case "granttypes":
		f.GrantTypes = listCell(v)
	case "redirecturis":
		f.RedirectURIs = listCell(v)
	} // other columns are of no use here
	return nil
}

// listCell reads a list: JSON, PostgreSQL's {a,b}, or words between commas.
func listCell(v string) []string {
	var out []string
	if json.Unmarshal([]byte(v), &out) == nil {
		return out
	}
	for s := range strings.SplitSeq(strings.Trim(v, "{}"), ",") {
		if s = strings.Trim(strings.TrimSpace(s), `"`); s != "" {
			out = append(out, s)
		}
	}
	return out
}
