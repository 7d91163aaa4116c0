package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/pat"
)

const tokenColumns = `t.uid, t.code, t.created, t.last_updated,
	t.owner_uid, t.owner_username, t.owner_name, t.owner_display_name,
	t.updated_by_uid, t.updated_by_username, t.updated_by_name, t.updated_by_display_name,
	t.version, t.type, t.expire, t.attributes, t.sharing, t.last_used, t.last_used_from, t.overlap_ends, t.origin`

// scanToken reads tokenColumns, then extra.
func scanToken(scan func(...any) error, extra ...any) (pat.Record, error) {
	var (
		r                                  pat.Record
		code                               sql.NullString
		created, updated, expire, used, ov sql.NullInt64
		attributes                         string
	)
	dest := []any{&r.UID, &code, &created, &updated,
		&r.Owner.UID, &r.Owner.Username, &r.Owner.Name, &r.Owner.DisplayName,
		&r.LastUpdatedBy.UID, &r.LastUpdatedBy.Username, &r.LastUpdatedBy.Name, &r.LastUpdatedBy.DisplayName,
		&r.Version, &r.Type, &expire, &attributes, &r.Sharing, &used, &r.LastUsedFrom, &ov, &r.Origin}
	if err := scan(append(dest, extra...)...); err != nil {
		return pat.Record{}, err
	}
	r.Code, r.Created, r.LastUpdated = code.String, instant(created), instant(updated)
	r.LastUsed, r.OverlapEnds, r.Constraints.Expiry = instant(used), instant(ov), instant(expire)
	var err error
	if r.Constraints.Attributes, err = pat.DecodeAttributes(attributes); err != nil {
		return pat.Record{}, fmt.Errorf("token %s: %w", r.UID, err)
	}
	return r, nil
}

func one(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return pat.ErrUnknown
	}
	return fmt.Errorf("look up token: %w", err)
}

// TokenByHash implements pat.Store.
func (s *Store) TokenByHash(ctx context.Context, hash string) (pat.Lookup, error) {
	row := s.queryByHash(ctx, hash)
	var ends sql.NullInt64
	r, err := scanToken(row.Scan, &ends)
	if err != nil {
		return pat.Lookup{}, one(err)
	}
	if ends.Valid {
		r.OverlapEnds = instant(ends)
	}
	return pat.Lookup{Record: r, Rotated: ends.Valid}, nil
}

const byHashSQL = `SELECT ` + tokenColumns + `, h.ends
	FROM api_token_hash h JOIN api_token t ON t.uid = h.uid WHERE h.hash = $1`

// queryByHash uses the statement that was prepared for SQLite, where compiling costs
// more than running; pgx keeps prepared statements by itself.
func (s *Store) queryByHash(ctx context.Context, hash string) *sql.Row {
	if s.byHash != nil {
		return s.byHash.QueryRowContext(ctx, hash)
	}
	return s.db.QueryRowContext(ctx, byHashSQL, hash)
}

// TokenByUID implements pat.Store.
func (s *Store) TokenByUID(ctx context.Context, uid string) (pat.Record, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM api_token t WHERE t.uid = $1`, uid)
	r, err := scanToken(row.Scan)
	if err != nil {
		return pat.Record{}, one(err)
	}
	return r, nil
}

// Tokens implements pat.Store.
func (s *Store) Tokens(ctx context.Context, f pat.Filter) ([]pat.Record, error) {
	where, args := tokenWhere(f)
	order := ` ORDER BY t.created, t.uid`
	if f.Descending {
		order = ` ORDER BY t.created DESC, t.uid DESC`
	}
	limit := ``
	if f.Limit > 0 {
		limit = ` LIMIT ` + strconv.Itoa(f.Limit) + ` OFFSET ` + strconv.Itoa(max(f.Offset, 0))
	}
	rows, err := s.db.QueryContext(ctx, `SELECT `+tokenColumns+` FROM api_token t`+where+order+limit, args...)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	defer rows.Close()
	var out []pat.Record
	for rows.Next() {
		r, err := scanToken(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return out, nil
}

// CountTokens implements pat.Store.
func (s *Store) CountTokens(ctx context.Context, f pat.Filter) (int, error) {
	where, args := tokenWhere(f)
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM api_token t`+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count tokens: %w", err)
	}
	return n, nil
}

// tokenWhere gives the condition of f and its arguments.
func tokenWhere(f pat.Filter) (string, []any) {
	var parts []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	if f.Username != "" {
		mine := `t.owner_username = ` + arg(f.Username)
		if f.UserUID != "" {
			mine = `(` + mine + ` AND t.owner_uid IN ('', ` + arg(f.UserUID) + `))`
		}
		if f.Shared {
			mine = `(` + mine + ` OR t.uid IN (SELECT s.uid FROM api_token_reader s WHERE s.user_uid IN ('', ` + arg(f.UserUID) + `)))`
		}
		parts = append(parts, mine)
	}
	for _, want := range [...]struct{ column, value string }{
		{"code", f.Code}, {"uid", f.UID}, {"owner_username", f.OwnerName}, {"owner_uid", f.OwnerUID},
	} {
		if want.value != "" {
			parts = append(parts, `t.`+want.column+` = `+arg(want.value))
		}
	}
	if f.After != nil {
		parts = append(parts, `(t.created, t.uid) > (`+arg(f.After.Created.UnixMilli())+`, `+arg(f.After.UID)+`)`)
	}
	if !f.LiveAt.IsZero() {
		parts = append(parts, `(t.expire IS NULL OR t.expire > `+arg(f.LiveAt.UnixMilli())+`)`)
	}
	if !f.OverAt.IsZero() {
		parts = append(parts, `t.expire <= `+arg(f.OverAt.UnixMilli()))
	}
	if f.Unused {
		parts = append(parts, `t.last_used IS NULL`)
	}
	if f.Forever {
		parts = append(parts, `t.expire IS NULL`)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(parts, ` AND `), args
}

// TouchTokens implements pat.Store.
func (s *Store) TouchTokens(ctx context.Context, uses []pat.Use) error {
	if len(uses) == 0 {
		return nil
	}
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, u := range uses {
			if _, err := tx.ExecContext(ctx, `UPDATE api_token SET last_used = $1, last_used_from = $2
				WHERE uid = $3 AND (last_used IS NULL OR last_used < $1)`, u.At.UnixMilli(), u.From, u.UID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store last use: %w", err)
	}
	return nil
}

// DeleteExpired implements pat.Store.
func (s *Store) DeleteExpired(ctx context.Context, before time.Time) (int, error) {
	n := 0
	err := s.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM api_token WHERE expire < $1`, before.UnixMilli())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete expired tokens: %w", err)
	}
	return n, nil
}
