package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/d2gate/d2gate/oauth2server"
)

// topicOAuth2 is the topic of changes that end tokens or change clients.
const topicOAuth2 = "oauth2"

// OAuth2 is the part of the store that the token server uses.
type OAuth2 struct{ s *Store }

// OAuth2 returns the store as oauth2server.Store.
func (s *Store) OAuth2() OAuth2 { return OAuth2{s} }

var _ oauth2server.Store = OAuth2{}

const clientColumns = `uid, cid, name, secret_hash, grant_types, redirect_uris, created, last_updated, created_by, updated_by, sharing`

// owner is an Owner as stored: authorities are asked of DHIS2, not kept.
type owner struct {
	UID      string `json:"uid"`
	Username string `json:"username"`
	Name     string `json:"name,omitempty"`
}

func encodeOwner(o oauth2server.Owner) string {
	b, err := json.Marshal(owner{o.UID, o.Username, o.Name})
	if err != nil {
		panic(err) // three strings
	}
	return string(b)
}

func decodeOwner(s string) (oauth2server.Owner, error) {
	var o owner
	if err := json.Unmarshal([]byte(s), &o); err != nil {
		return oauth2server.Owner{}, fmt.Errorf("stored owner: %w", err)
	}
	return oauth2server.Owner{UID: o.UID, Username: o.Username, Name: o.Name}, nil
}

func encodeList(l []string) string {
	if l == nil {
		l = []string{}
	}
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

func scanClient(scan func(...any) error) (oauth2server.Client, error) {
	var c oauth2server.Client
	var grants, uris, by, updatedBy string
	var created, updated int64
	if err := scan(&c.UID, &c.CID, &c.Name, &c.SecretHash, &grants, &uris, &created, &updated, &by, &updatedBy, &c.Sharing); err != nil {
		return c, err
	}
	c.Created, c.LastUpdated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	var err1, err2 error
	c.CreatedBy, err1 = decodeOwner(by)
	c.UpdatedBy, err2 = decodeOwner(updatedBy)
	return c, errors.Join(err1, err2, json.Unmarshal([]byte(grants), &c.GrantTypes), json.Unmarshal([]byte(uris), &c.RedirectURIs))
}

func (o OAuth2) client(ctx context.Context, where, arg string) (oauth2server.Client, error) {
	c, err := scanClient(o.s.db.QueryRowContext(ctx, `SELECT `+clientColumns+` FROM oauth2_client WHERE `+where+` = $1`, arg).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return oauth2server.Client{}, oauth2server.ErrUnknown
	}
	if err != nil {
		return oauth2server.Client{}, fmt.Errorf("look up client: %w", err)
	}
	return c, nil
}

// ClientByCID implements oauth2server.Store.
func (o OAuth2) ClientByCID(ctx context.Context, cid string) (oauth2server.Client, error) {
	return o.client(ctx, "cid", cid)
}

// ClientByUID implements oauth2server.Store.
func (o OAuth2) ClientByUID(ctx context.Context, uid string) (oauth2server.Client, error) {
	return o.client(ctx, "uid", uid)
}

// Clients implements oauth2server.Store.
func (o OAuth2) Clients(ctx context.Context) ([]oauth2server.Client, error) {
	rows, err := o.s.db.QueryContext(ctx, `SELECT `+clientColumns+` FROM oauth2_client ORDER BY created, uid`)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	defer rows.Close()
	var out []oauth2server.Client
	for rows.Next() {
		c, err := scanClient(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	return out, nil
}

// PutClient implements oauth2server.Store.
func (o OAuth2) PutClient(ctx context.Context, c oauth2server.Client) error {
	return o.writeClient(ctx, c, `INSERT INTO oauth2_client (`+clientColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
}

// UpdateClient implements oauth2server.Store.
func (o OAuth2) UpdateClient(ctx context.Context, c oauth2server.Client) error {
	return o.writeClient(ctx, c, `UPDATE oauth2_client SET cid = $2, name = $3, secret_hash = $4, grant_types = $5, redirect_uris = $6,
		created = $7, last_updated = $8, created_by = $9, updated_by = $10, sharing = $11 WHERE uid = $1`)
}

func (o OAuth2) writeClient(ctx context.Context, c oauth2server.Client, text string) error {
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, text, c.UID, c.CID, c.Name, c.SecretHash, encodeList(c.GrantTypes), encodeList(c.RedirectURIs),
			c.Created.UnixMilli(), c.LastUpdated.UnixMilli(), encodeOwner(c.CreatedBy), encodeOwner(c.UpdatedBy), c.Sharing)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(oauth2server.ErrUnknown, err)
		}
		return o.s.note(ctx, tx, topicOAuth2, c.UID)
	})
	if isDuplicate(err) {
		return oauth2server.ErrDuplicate
	}
	if err != nil {
		return fmt.Errorf("store client: %w", err)
	}
	return nil
}

// DeleteClient implements oauth2server.Store.
func (o OAuth2) DeleteClient(ctx context.Context, uid string) error {
	return o.s.write(ctx, func(tx *sql.Tx) error {
		var cid string
		err := tx.QueryRowContext(ctx, `DELETE FROM oauth2_client WHERE uid = $1 RETURNING cid`, uid).Scan(&cid)
		if errors.Is(err, sql.ErrNoRows) {
			return oauth2server.ErrUnknown
		}
		if err != nil {
			return fmt.Errorf("delete client: %w", err)
		}
		for _, text := range []string{
			`DELETE FROM oauth2_code WHERE cid = $1`, `DELETE FROM oauth2_consent WHERE cid = $1`, `DELETE FROM oauth2_family WHERE cid = $1`,
		} {
			if _, err := tx.ExecContext(ctx, text, cid); err != nil {
				return fmt.Errorf("delete what the client had: %w", err)
			}
		}
		return o.s.note(ctx, tx, topicOAuth2, uid)
	})
}
