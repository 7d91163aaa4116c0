package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/pat"
)

// TokenTopic is the topic of changes whose key is the uid of a token.
const TokenTopic = "token"

// PutToken implements pat.Store.
func (s *Store) PutToken(ctx context.Context, r pat.Record, hash string) error {
	attributes, err := pat.EncodeAttributes(r.Constraints.Attributes)
	if err != nil {
		return fmt.Errorf("store token: %w", err)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO api_token (uid, code, created, last_updated,
			owner_uid, owner_username, owner_name, owner_display_name,
			updated_by_uid, updated_by_username, updated_by_name, updated_by_display_name,
			version, type, expire, attributes, sharing, last_used, last_used_from, overlap_ends, origin)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
			r.UID, nullable(r.Code), r.Created.UnixMilli(), r.LastUpdated.UnixMilli(),
			r.Owner.UID, r.Owner.Username, r.Owner.Name, r.Owner.DisplayName,
			r.LastUpdatedBy.UID, r.LastUpdatedBy.Username, r.LastUpdatedBy.Name, r.LastUpdatedBy.DisplayName,
			r.Version, r.Type, millis(r.Constraints.Expiry), attributes, r.Sharing,
			millis(r.LastUsed), r.LastUsedFrom, millis(r.OverlapEnds), r.Origin); err != nil {
			return err
		}
		if err := putReaders(ctx, tx, r); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO api_token_hash (hash, uid, ends) VALUES ($1, $2, NULL)`, hash, r.UID); err != nil {
			return err
		}
		return s.noteQuietly(ctx, tx, TokenTopic, r.UID)
	})
	return tokenError("store token", err)
}

// EditToken implements pat.Store.
func (s *Store) EditToken(ctx context.Context, uid string, edit func(*pat.Record) error) (pat.Record, error) {
	return s.change(ctx, uid, edit, nil)
}

// RotateToken implements pat.Store.
func (s *Store) RotateToken(ctx context.Context, uid, newHash string, edit func(*pat.Record) error) (pat.Record, error) {
	return s.change(ctx, uid, edit, func(tx *sql.Tx, r pat.Record) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM api_token_hash WHERE uid = $1 AND (ends IS NOT NULL OR $2)`,
			uid, r.OverlapEnds.IsZero()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_token_hash SET ends = $1 WHERE uid = $2`, millis(r.OverlapEnds), uid); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO api_token_hash (hash, uid, ends) VALUES ($1, $2, NULL)`, newHash, uid)
		return err
	})
}

func (s *Store) change(ctx context.Context, uid string, edit func(*pat.Record) error, also func(*sql.Tx, pat.Record) error) (pat.Record, error) {
	var after pat.Record
	err := s.write(ctx, func(tx *sql.Tx) error {
		// Writing the row first makes PostgreSQL hold it, so that two edits cannot
		// start from the same record; SQLite holds the whole database already.
		if _, err := tx.ExecContext(ctx, `UPDATE api_token SET uid = uid WHERE uid = $1`, uid); err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM api_token t WHERE t.uid = $1`, uid)
		r, err := scanToken(row.Scan)
		if err != nil {
			return one(err)
		}
		if err := edit(&r); err != nil {
			return editError{err}
		}
		if err := updateToken(ctx, tx, uid, r); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx, r); err != nil {
				return err
			}
		}
		after = r
		return s.note(ctx, tx, TokenTopic, uid)
	})
	if err != nil {
		return pat.Record{}, tokenError("change token", err)
	}
	return after, nil
}

func updateToken(ctx context.Context, tx *sql.Tx, uid string, r pat.Record) error {
	attributes, err := pat.EncodeAttributes(r.Constraints.Attributes)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE api_token SET code = $1, last_updated = $2,
		updated_by_uid = $3, updated_by_username = $4, updated_by_name = $5, updated_by_display_name = $6,
		version = $7, type = $8, expire = $9, attributes = $10, sharing = $11, overlap_ends = $12 WHERE uid = $13`,
		nullable(r.Code), r.LastUpdated.UnixMilli(),
		r.LastUpdatedBy.UID, r.LastUpdatedBy.Username, r.LastUpdatedBy.Name, r.LastUpdatedBy.DisplayName,
		r.Version, r.Type, millis(r.Constraints.Expiry), attributes, r.Sharing, millis(r.OverlapEnds), uid); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM api_token_reader WHERE uid = $1`, uid); err != nil {
		return err
	}
	return putReaders(ctx, tx, r)
}

// DeleteToken implements pat.Store.
func (s *Store) DeleteToken(ctx context.Context, uid string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM api_token WHERE uid = $1`, uid)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return orElse(err, pat.ErrUnknown)
		}
		return s.note(ctx, tx, TokenTopic, uid)
	})
	return tokenError("revoke token", err)
}

// putReaders writes who else may read r, out of its sharing.
func putReaders(ctx context.Context, tx *sql.Tx, r pat.Record) error {
	readers, err := sharedWith(r.Sharing)
	if err != nil {
		return err
	}
	for _, user := range readers {
		if _, err := tx.ExecContext(ctx, `INSERT INTO api_token_reader (user_uid, uid) VALUES ($1, $2)`, user, r.UID); err != nil {
			return err
		}
	}
	return nil
}

// sharedWith lists the uids of users that a sharing object lets read, "" for
// everybody (DHIS2 2.44 Sharing.java; the first character of an access is r).
func sharedWith(sharing string) ([]string, error) {
	if sharing == "" {
		return nil, nil
	}
	var v struct {
		Public string
		Users  map[string]struct{ Access string }
	}
	if err := json.Unmarshal([]byte(sharing), &v); err != nil {
		return nil, fmt.Errorf("read sharing: %w", err)
	}
	var out []string
	if strings.HasPrefix(v.Public, "r") {
		out = append(out, "")
	}
	for _, user := range slices.Sorted(maps.Keys(v.Users)) {
		if user != "" && strings.HasPrefix(v.Users[user].Access, "r") {
			out = append(out, user)
		}
	}
	return out, nil
}
