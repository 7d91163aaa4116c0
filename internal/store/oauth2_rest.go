package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/d2gate/d2gate/oauth2server"
)

// Consented implements oauth2server.Store.
func (o OAuth2) Consented(ctx context.Context, username, cid, scope, redirect string) (bool, error) {
	var n int
	err := o.s.db.QueryRowContext(ctx, `SELECT count(*) FROM oauth2_consent WHERE username = $1 AND cid = $2 AND scope = $3 AND redirect = $4`,
		username, cid, scope, redirect).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up consent: %w", err)
	}
	return n > 0, nil
}

// PutConsent implements oauth2server.Store.
func (o OAuth2) PutConsent(ctx context.Context, username, cid, scope, redirect string, at time.Time) error {
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO oauth2_consent (username, cid, scope, redirect, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (username, cid, scope, redirect) DO UPDATE SET at = $5`, username, cid, scope, redirect, at.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("store consent: %w", err)
	}
	return nil
}

// SigningKeys implements oauth2server.Store.
func (o OAuth2) SigningKeys(ctx context.Context) ([]oauth2server.StoredKey, error) {
	rows, err := o.s.db.QueryContext(ctx, `SELECT id, sealed, created FROM oauth2_key ORDER BY created DESC, id`)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	defer rows.Close()
	var out []oauth2server.StoredKey
	for rows.Next() {
		var k oauth2server.StoredKey
		var sealed string
		var created int64
		if err := rows.Scan(&k.ID, &sealed, &created); err != nil {
			return nil, fmt.Errorf("list signing keys: %w", err)
		}
		if k.Sealed, err = base64.StdEncoding.DecodeString(sealed); err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		k.Created = time.UnixMilli(created).UTC()
		out = append(out, k)
	}
	return out, rows.Err()
}

// PutSigningKey implements oauth2server.Store.
func (o OAuth2) PutSigningKey(ctx context.Context, k oauth2server.StoredKey) error {
	return o.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO oauth2_key (id, sealed, created) VALUES ($1, $2, $3)`,
			k.ID, base64.StdEncoding.EncodeToString(k.Sealed), k.Created.UnixMilli())
		return err
	})
}

// DeleteSigningKey implements oauth2server.Store.
func (o OAuth2) DeleteSigningKey(ctx context.Context, id string) error {
	return o.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM oauth2_key WHERE id = $1`, id)
		return err
	})
}

// Purge implements oauth2server.Store. A family goes with its tokens once its last
// one has expired.
func (o OAuth2) Purge(ctx context.Context, before time.Time) (int64, error) {
	var gone int64
	err := o.s.write(ctx, func(tx *sql.Tx) error {
		for _, text := range []string{
			`DELETE FROM oauth2_code WHERE expires < $1`,
			`DELETE FROM oauth2_access WHERE expires < $1`,
			`DELETE FROM oauth2_refresh WHERE expires < $1`,
			`DELETE FROM oauth2_family WHERE expires < $1`,
			`DELETE FROM browser_session WHERE expires < $1`,
		} {
			res, err := tx.ExecContext(ctx, text, before.UnixMilli())
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			gone += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("purge expired tokens: %w", err)
	}
	return gone, nil
}

// Sessions keeps browser sessions for the console; the keys are hashes already.
type Sessions struct{ s *Store }

// Sessions returns the store as a session store.
func (s *Store) Sessions() Sessions { return Sessions{s} }

// FindCtx returns a live session's data.
func (v Sessions) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	var data string
	var expires int64
	err := v.s.db.QueryRowContext(ctx, `SELECT data, expires FROM browser_session WHERE hash = $1`, hash).Scan(&data, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !v.s.now().Before(time.UnixMilli(expires)) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("look up session: %w", err)
	}
	b, err := base64.StdEncoding.DecodeString(data)
	return b, err == nil, err
}

// CommitCtx stores a session.
func (v Sessions) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	return v.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO browser_session (hash, data, expires) VALUES ($1, $2, $3)
			ON CONFLICT (hash) DO UPDATE SET data = $2, expires = $3`, hash, base64.StdEncoding.EncodeToString(data), expiry.UnixMilli())
		return err
	})
}

// BeginCtx stores a sign-in that is under way, and removes those of its kind that
// are over; false means that there are most of them already, and nothing was stored.
// It never removes one in force for another's sake. Replicas that begin at once may
// go over most by their number.
func (v Sessions) BeginCtx(ctx context.Context, kind, hash string, data []byte, expiry time.Time, most int) (bool, error) {
	stored := false
	err := v.s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM browser_session WHERE kind = $1 AND expires <= $2`, kind, v.s.now().UnixMilli()); err != nil {
			return err
		}
		n := 0
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM browser_session WHERE kind = $1`, kind).Scan(&n); err != nil {
			return err
		}
		if stored = n < most; !stored {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO browser_session (hash, data, expires, kind) VALUES ($1, $2, $3, $4)
			ON CONFLICT (hash) DO UPDATE SET data = $2, expires = $3, kind = $4`, hash, base64.StdEncoding.EncodeToString(data), expiry.UnixMilli(), kind)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store sign-in: %w", err)
	}
	return stored, nil
}

// UpdateCtx stores a session that is there; false means that it is not, and nothing
// was stored: a request under way must not bring back what was ended.
func (v Sessions) UpdateCtx(ctx context.Context, hash string, data []byte, expiry time.Time) (bool, error) {
	var n int64
	err := v.s.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE browser_session SET data = $2, expires = $3 WHERE hash = $1`,
			hash, base64.StdEncoding.EncodeToString(data), expiry.UnixMilli())
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n > 0, err
}

// DeleteCtx ends a session.
func (v Sessions) DeleteCtx(ctx context.Context, hash string) error {
	return v.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM browser_session WHERE hash = $1`, hash)
		return err
	})
}

// Find, Commit and Delete are the forms without a context that scs also asks for.
func (v Sessions) Find(hash string) ([]byte, bool, error) {
	return v.FindCtx(context.Background(), hash)
}

// Commit stores a session.
func (v Sessions) Commit(hash string, data []byte, expiry time.Time) error {
	return v.CommitCtx(context.Background(), hash, data, expiry)
}

// Delete ends a session.
func (v Sessions) Delete(hash string) error { return v.DeleteCtx(context.Background(), hash) }
