package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/d2gate/d2gate/internal/identity"
)

var _ identity.NativeStore = (*Store)(nil)

// NativePAT implements identity.NativeStore.
func (s *Store) NativePAT(ctx context.Context, username string) ([]byte, error) {
	var text string
	err := s.db.QueryRowContext(ctx, `SELECT sealed FROM native_pat WHERE username = $1`, username).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up native token: %w", err)
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("look up native token: %w", err)
	}
	return sealed, nil
}

// PutNativePAT implements identity.NativeStore.
func (s *Store) PutNativePAT(ctx context.Context, username string, sealed []byte) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO native_pat (username, sealed) VALUES ($1, $2)
			ON CONFLICT (username) DO UPDATE SET sealed = excluded.sealed`,
			username, base64.StdEncoding.EncodeToString(sealed)); err != nil {
			return fmt.Errorf("store native token: %w", err)
		}
		return nil
	})
}

// DeleteNativePAT implements identity.NativeStore.
func (s *Store) DeleteNativePAT(ctx context.Context, username string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM native_pat WHERE username = $1`, username); err != nil {
			return fmt.Errorf("delete native token: %w", err)
		}
		return nil
	})
}
