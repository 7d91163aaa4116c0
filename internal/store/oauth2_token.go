package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/d2gate/d2gate/oauth2server"
)

// PutCode implements oauth2server.Store.
func (o OAuth2) PutCode(ctx context.Context, c oauth2server.Code) error {
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO oauth2_code (hash, cid, redirect, asked, challenge, owner, scope, family, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			c.Hash, c.ClientCID, c.Redirect, bit(c.Asked), c.Challenge, encodeOwner(c.Owner), c.Scope, c.Family, c.Expires.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	return nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CodeByHash implements oauth2server.Store.
func (o OAuth2) CodeByHash(ctx context.Context, hash, cid, challenge string) (oauth2server.Code, error) {
	c := oauth2server.Code{Hash: hash, ClientCID: cid, Challenge: challenge}
	var who string
	var asked, expires int64
	var spent sql.NullInt64
	err := o.s.db.QueryRowContext(ctx, `SELECT redirect, asked, owner, scope, family, expires, spent
		FROM oauth2_code WHERE hash = $1 AND cid = $2 AND challenge = $3`, hash, cid, challenge).
		Scan(&c.Redirect, &asked, &who, &c.Scope, &c.Family, &expires, &spent)
	if errors.Is(err, sql.ErrNoRows) {
		return oauth2server.Code{}, oauth2server.ErrUnknown
	}
	if err == nil {
		c.Asked, c.Expires = asked != 0, time.UnixMilli(expires).UTC()
		c.Owner, err = decodeOwner(who)
	}
	if err != nil {
		return oauth2server.Code{}, fmt.Errorf("look up code: %w", err)
	}
	if spent.Valid {
		return c, oauth2server.ErrSpent
	}
	return c, nil
}

// Redeem implements oauth2server.Store: one UPDATE decides who may.
func (o OAuth2) Redeem(ctx context.Context, hash string, now time.Time, mint oauth2server.Mint) error {
	return o.spend(ctx, `UPDATE oauth2_code SET spent = $2 WHERE hash = $1 AND spent IS NULL`, hash, now, mint)
}

// Rotate implements oauth2server.Store: one UPDATE decides who may.
func (o OAuth2) Rotate(ctx context.Context, hash string, now time.Time, mint oauth2server.Mint) error {
	return o.spend(ctx, `UPDATE oauth2_refresh SET spent = $2 WHERE hash = $1 AND spent IS NULL`, hash, now, mint)
}

func (o OAuth2) spend(ctx context.Context, text, hash string, now time.Time, mint oauth2server.Mint) error {
	return o.s.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, text, hash, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("spend: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(oauth2server.ErrSpent, err)
		}
		return mintInto(ctx, tx, mint)
	})
}

// Issue implements oauth2server.Store.
func (o OAuth2) Issue(ctx context.Context, mint oauth2server.Mint) error {
	return o.s.write(ctx, func(tx *sql.Tx) error { return mintInto(ctx, tx, mint) })
}

func mintInto(ctx context.Context, tx *sql.Tx, mint oauth2server.Mint) error {
	if mint == nil {
		return nil
	}
	i, err := mint()
	if err != nil {
		return err
	}
	return putIssued(ctx, tx, i)
}

// putIssued makes the family if it is new, and fails with ErrSpent if it was
// revoked.
func putIssued(ctx context.Context, tx *sql.Tx, i oauth2server.Issued) error {
	a, expires := i.Access, i.Access.Expires
	if i.Refresh != nil && i.Refresh.Expires.After(expires) {
		expires = i.Refresh.Expires
	}
	var revoked sql.NullInt64
	err := tx.QueryRowContext(ctx, `INSERT INTO oauth2_family (id, cid, username, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET expires = CASE WHEN oauth2_family.expires < $4 THEN $4 ELSE oauth2_family.expires END
		RETURNING revoked`, a.Family, a.ClientCID, a.Owner.Username, expires.UnixMilli()).Scan(&revoked)
	if err != nil {
		return fmt.Errorf("store family: %w", err)
	}
	if revoked.Valid {
		return oauth2server.ErrSpent
	}
	who := encodeOwner(a.Owner)
	if _, err := tx.ExecContext(ctx, `INSERT INTO oauth2_access (hash, id, family, cid, owner, scope, issued, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.Hash, a.ID, a.Family, a.ClientCID, who, a.Scope, a.Issued.UnixMilli(), a.Expires.UnixMilli()); err != nil {
		return fmt.Errorf("store access token: %w", err)
	}
	if i.Refresh == nil {
		return nil
	}
	r := *i.Refresh
	if _, err := tx.ExecContext(ctx, `INSERT INTO oauth2_refresh (hash, parent, family, cid, owner, scope, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Hash, r.Parent, r.Family, r.ClientCID, who, r.Scope, r.Expires.UnixMilli()); err != nil {
		return fmt.Errorf("store refresh token: %w", err)
	}
	return nil
}

// RefreshByHash implements oauth2server.Store. Tokens of a revoked family are
// unknown.
func (o OAuth2) RefreshByHash(ctx context.Context, hash string) (oauth2server.Refresh, time.Time, error) {
	r := oauth2server.Refresh{Hash: hash}
	var who string
	var expires int64
	var spent sql.NullInt64
	err := o.s.db.QueryRowContext(ctx, `SELECT r.parent, r.family, r.cid, r.owner, r.scope, r.expires, r.spent
		FROM oauth2_refresh r JOIN oauth2_family f ON f.id = r.family WHERE r.hash = $1 AND f.revoked IS NULL`, hash).
		Scan(&r.Parent, &r.Family, &r.ClientCID, &who, &r.Scope, &expires, &spent)
	if errors.Is(err, sql.ErrNoRows) {
		return oauth2server.Refresh{}, time.Time{}, oauth2server.ErrUnknown
	}
	if err == nil {
		r.Owner, err = decodeOwner(who)
	}
	if err != nil {
		return oauth2server.Refresh{}, time.Time{}, fmt.Errorf("look up refresh token: %w", err)
	}
	r.Expires = time.UnixMilli(expires).UTC()
	return r, instant(spent), nil
}

// Succeeded implements oauth2server.Store.
func (o OAuth2) Succeeded(ctx context.Context, hash string) (bool, error) {
	var n int
	err := o.s.db.QueryRowContext(ctx, `SELECT count(*) FROM oauth2_refresh WHERE parent = $1 AND spent IS NOT NULL`, hash).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up what replaced a refresh token: %w", err)
	}
	return n > 0, nil
}

// AccessByHash implements oauth2server.Store. Tokens of a revoked family are
// unknown.
func (o OAuth2) AccessByHash(ctx context.Context, hash string) (oauth2server.Access, error) {
	a := oauth2server.Access{Hash: hash}
	var who string
	var issued, expires int64
	err := o.s.db.QueryRowContext(ctx, `SELECT a.id, a.family, a.cid, a.owner, a.scope, a.issued, a.expires
		FROM oauth2_access a JOIN oauth2_family f ON f.id = a.family WHERE a.hash = $1 AND f.revoked IS NULL`, hash).
		Scan(&a.ID, &a.Family, &a.ClientCID, &who, &a.Scope, &issued, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return oauth2server.Access{}, oauth2server.ErrUnknown
	}
	if err == nil {
		a.Owner, err = decodeOwner(who)
	}
	if err != nil {
		return oauth2server.Access{}, fmt.Errorf("look up access token: %w", err)
	}
	a.Issued, a.Expires = time.UnixMilli(issued).UTC(), time.UnixMilli(expires).UTC()
	return a, nil
}

// RevokeFamily implements oauth2server.Store. A family that has no row yet (its
// code was spent, its tokens are on their way) gets one that is revoked.
func (o OAuth2) RevokeFamily(ctx context.Context, family string) error {
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		now := o.s.now()
		if _, err := tx.ExecContext(ctx, `INSERT INTO oauth2_family (id, cid, username, revoked, expires) VALUES ($1, '', '', $2, $3)
			ON CONFLICT (id) DO UPDATE SET revoked = $2`, family, now.UnixMilli(), now.Add(24*time.Hour).UnixMilli()); err != nil {
			return err
		}
		return o.s.note(ctx, tx, topicOAuth2, family)
	})
	if err != nil {
		return fmt.Errorf("revoke family: %w", err)
	}
	return nil
}

// RevokeAccess implements oauth2server.Store.
func (o OAuth2) RevokeAccess(ctx context.Context, hash string) error {
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM oauth2_access WHERE hash = $1`, hash); err != nil {
			return err
		}
		return o.s.note(ctx, tx, topicOAuth2, "")
	})
	if err != nil {
		return fmt.Errorf("revoke access token: %w", err)
	}
	return nil
}

// RevokeOwner implements oauth2server.Store.
func (o OAuth2) RevokeOwner(ctx context.Context, username string) (int, error) {
	n := int64(0)
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		// Codes first: one that is being redeemed is waited for, and its family is
		// there when the families end.
		if err := o.spendCodesOf(ctx, tx, username); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE oauth2_family SET revoked = $2 WHERE username = $1 AND revoked IS NULL`, username, o.s.now().UnixMilli())
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM oauth2_consent WHERE username = $1`, username); err != nil || n == 0 {
			return err
		}
		return o.s.note(ctx, tx, topicOAuth2, username)
	})
	if err != nil {
		return 0, fmt.Errorf("revoke a user's tokens: %w", err)
	}
	return int(n), nil
}

// spendCodesOf spends the codes that a user has granted and no client has used yet.
func (o OAuth2) spendCodesOf(ctx context.Context, tx *sql.Tx, username string) error {
	rows, err := tx.QueryContext(ctx, `SELECT hash, owner FROM oauth2_code WHERE spent IS NULL`)
	if err != nil {
		return err
	}
	var theirs []string
	for rows.Next() {
		var hash, owner string
		if err = rows.Scan(&hash, &owner); err != nil {
			break
		}
		who, bad := decodeOwner(owner)
		if err = bad; err != nil {
			break
		}
		if who.Username == username {
			theirs = append(theirs, hash)
		}
	}
	if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, hash := range theirs {
		if _, err := tx.ExecContext(ctx, `UPDATE oauth2_code SET spent = COALESCE(spent, $2) WHERE hash = $1`, hash, o.s.now().UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}
