package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
)

// foreignToken is a row of DHIS2's table api_token with its owner (DHIS2 2.44;
// the hash in key is the one that d2gate stores too, so tokens go on working).
type foreignToken struct {
	UID        string          `json:"uid"`
	Code       string          `json:"code,omitempty"`
	Key        string          `json:"key"` // hex SHA-256 of the text
	Type       string          `json:"type,omitempty"`
	Version    int             `json:"version,omitempty"`
	Created    time.Time       `json:"created,omitzero"`
	Expire     int64           `json:"expire"`               // ms since 1970; 0 means never
	Attributes json.RawMessage `json:"attributes,omitempty"` // as in the column
	Username   string          `json:"username"`
	UserUID    string          `json:"useruid,omitempty"`
}

// importSQL is what prints the rows that import reads.
const importSQL = `COPY (SELECT t.uid, t.code, t.key, t.type, t.version, t.created, t.expire, t.attributes, u.username, u.uid AS useruid
        FROM api_token t JOIN userinfo u ON u.userinfoid = t.createdby) TO STDOUT WITH (FORMAT csv, HEADER)`

// importResult counts what import did.
type importResult struct {
	Imported int      `json:"imported"`
	Known    int      `json:"known"` // were there already
	Expired  int      `json:"expired"`
	Refused  []string `json:"refused,omitempty"`
}

func (p *program) tokenImport() *cobra.Command {
	c := &cobra.Command{
		Use: "import FILE|-", Short: "Adopt the tokens that a DHIS2 has issued", Args: cobra.ExactArgs(1),
		Long: "Reads rows of DHIS2's table api_token as CSV with a header, or as JSON. They hold hashes, no secrets; the tokens go on\n" +
			"working as they are. The rows, by psql on DHIS2's database (before 2.38 the user name stands in table users):\n\n    " + importSQL + "\n\n" +
			"Expired rows are left out. A row with a limit that d2gate does not understand is refused, never widened.",
	}
	file := configFlag(c)
	try := c.Flags().Bool("dry-run", false, "read and check, store nothing")
	o := outputFlag(c, "table", "json", "yaml")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		rows, err := p.readForeign(args[0])
		if err != nil {
			return err
		}
		return p.withTokens(c.Context(), *file, func(t tokenService) error {
			done, err := t.adopt(c.Context(), adoption{rows, *try})
			if err != nil {
				return err
			}
			return p.printImport(o, view{data: done, table: func(w io.Writer) {
				row(w, "imported", strconv.Itoa(done.Imported))
				row(w, "already here", strconv.Itoa(done.Known))
				row(w, "expired", strconv.Itoa(done.Expired))
				row(w, "refused", strconv.Itoa(len(done.Refused)))
			}}, done.Refused)
		})
	}
	return c
}

// adoption is what import sends to the service.
type adoption struct {
	Rows   []foreignToken `json:"rows"`
	DryRun bool           `json:"dryRun,omitempty"`
}

// adopt stores the rows that are good.
func (t *tokens) adopt(ctx context.Context, a adoption) (importResult, error) {
	var done importResult
	for i := range a.Rows {
		row := &a.Rows[i]
		r, err := row.record()
		if err != nil {
			done.Refused = append(done.Refused, fmt.Sprintf("row %d (%s): %v", i+1, row.UID, err))
			continue
		}
		if end := r.Constraints.Expiry; !end.IsZero() && !t.now().Before(end) {
			done.Expired++
			continue
		}
		known, err := t.known(ctx, row)
		switch {
		case err != nil:
			return done, err
		case known:
			done.Known++
			continue
		case a.DryRun:
		default:
			if err := t.store.PutToken(ctx, r, row.Key); errors.Is(err, pat.ErrDuplicate) {
				done.Refused = append(done.Refused, fmt.Sprintf("row %d (%s): %v", i+1, row.UID, err))
				continue
			} else if err != nil {
				return done, err
			}
			t.forget(r.UID)
		}
		done.Imported++
	}
	return done, nil
}

func (t *tokens) known(ctx context.Context, row *foreignToken) (bool, error) {
	_, byHash := t.store.TokenByHash(ctx, row.Key)
	_, byUID := t.store.TokenByUID(ctx, row.UID)
	for _, err := range []error{byHash, byUID} {
		if err != nil && !errors.Is(err, pat.ErrUnknown) {
			return false, err
		}
	}
	return byHash == nil || byUID == nil, nil
}

// record checks a row and makes the record that is stored.
func (f *foreignToken) record() (pat.Record, error) {
	f.Key = strings.ToLower(f.Key)
	if sum, err := hex.DecodeString(f.Key); err != nil || len(sum) != 32 {
		return pat.Record{}, errors.New("key is no hex SHA-256")
	}
	if len(f.UID) != 11 || f.Username == "" {
		return pat.Record{}, errors.New("uid of 11 characters and username are needed")
	}
	attributes, err := pat.DecodeAttributes(string(f.Attributes))
	if err != nil {
		return pat.Record{}, err
	}
	r := pat.Record{
		UID: f.UID, Code: f.Code, Created: f.Created, LastUpdated: f.Created, Owner: pat.Owner{UID: f.UserUID, Username: f.Username},
		Version: f.Version, Type: f.Type, Origin: "dhis2", Constraints: constraints.Set{Attributes: attributes},
	}
	r.LastUpdatedBy = r.Owner
	if f.Expire > 0 {
		r.Constraints.Expiry = time.UnixMilli(f.Expire).UTC()
	}
	if r.Type == "" || r.Type == "PERSONAL_ACCESS_TOKEN" { // not renamed by DHIS2's migration to 2.41
		r.Type = pat.TypeV1
	}
	if r.Version == 0 {
		r.Version = 1
	}
	return r, nil
}

// readForeign reads rows from a file or stdin: JSON if it begins so, else CSV.
func (p *program) readForeign(name string) ([]foreignToken, error) {
	text, err := p.readInput(name, 1<<30)
	if err != nil {
		return nil, err
	}
	if s := strings.TrimSpace(string(text[:min(len(text), 64)])); strings.HasPrefix(s, "[") {
		var rows []foreignToken
		return rows, json.Unmarshal(text, &rows)
	}
	return csvRows(string(text), (*foreignToken).set)
}

func (f *foreignToken) set(column, v string) (err error) {
	switch column {
	case "uid":
		f.UID = v
	case "code":
		f.Code = v
	case "key":
		f.Key = v
	case "type":
		f.Type = v
	case "version":
		if v != "" {
			f.Version, err = strconv.Atoi(v)
		}
	case "created":
		f.Created, err = foreignTime(v)
	case "expire":
		if v != "" {
			f.Expire, err = strconv.ParseInt(v, 10, 64)
		}
	case "attributes":
		if v != "" {
			f.Attributes = json.RawMessage(v)
		}
	case "username":
		f.Username = v
	case "useruid":
		f.UserUID = v
	}
	return err // other columns are of no use here
}

// foreignTime reads a timestamp as psql prints it, in UTC where it names no zone.
func foreignTime(v string) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999", "2006-01-02 15:04:05.999999-07", time.RFC3339Nano} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("no timestamp")
}
