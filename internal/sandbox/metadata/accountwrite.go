package metadata

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// passwordsKept is how many earlier passwords may not come back.
const passwordsKept = 24

// SetPassword stores a new password, ends the user's sessions, and remembers the
// old one. The caller has checked the rules.
func (s *Service) SetPassword(ctx context.Context, u *User, password string) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	history := append([]string{u.passwordHash}, u.history...)
	if len(history) > passwordsKept {
		history = history[:passwordsKept]
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE md_account SET password = ?, password_changed = ?, history = ? WHERE uid = ?`, hash, stamp(s.now()), strings.Join(history, " "), u.UID)
		return err
	})
	if err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	if s.cfg.EndSessions != nil {
		s.cfg.EndSessions(u.Username)
	}
	return nil
}

// SetTwoFactor stores the state of a user's second factor.
func (s *Service) SetTwoFactor(ctx context.Context, username, state, secret string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE md_account SET two_factor = ?, two_factor_secret = ? WHERE username = ?`, state, secret, username)
		return err
	})
	if err != nil {
		return fmt.Errorf("store second factor: %w", err)
	}
	return nil
}
