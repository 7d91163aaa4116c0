package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// GroupName is the name of a user group, "" when there is none.
func (s *Service) GroupName(ctx context.Context, uid string) (string, error) {
	return s.lookUp(ctx, `SELECT name FROM md_object WHERE type = 'userGroup' AND uid = ?`, uid)
}

// UsernameByOpenID is the name of the user with that openId who is not disabled,
// "" when there is none.
func (s *Service) UsernameByOpenID(ctx context.Context, openID string) (string, error) {
	return s.lookUp(ctx, `SELECT a.username FROM md_account a JOIN md_object o ON o.type = 'user' AND o.uid = a.uid
		WHERE json_extract(o.doc, '$.openId') = ? AND NOT coalesce(json_extract(o.doc, '$.disabled'), 0)`, openID)
}

func (s *Service) lookUp(ctx context.Context, query, arg string) (string, error) {
	var name sql.NullString
	err := s.db.QueryRowContext(ctx, query, arg).Scan(&name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look up name: %w", err)
	}
	return name.String, nil
}
