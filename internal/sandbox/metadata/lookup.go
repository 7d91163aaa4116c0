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

// Named is an object with its name, as lists of people show it.
type Named struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Username    string `json:"username,omitempty"` // of users alone
}

// foundAtMost is how many users and how many groups a search finds.
const foundAtMost = 50

// SearchPeople finds users and user groups whose name holds key, ignoring case, in
// the order of their names.
func (s *Service) SearchPeople(ctx context.Context, key string) (users, groups []Named, err error) {
	users, err = s.named(ctx, `SELECT uid, full, username FROM (
			SELECT a.uid, json_extract(o.doc, '$.firstName') || ' ' || json_extract(o.doc, '$.surname') AS full, a.username
			FROM md_account a JOIN md_object o ON o.type = 'user' AND o.uid = a.uid)
		WHERE instr(lower(full || ' ' || username), lower(?)) > 0 ORDER BY full LIMIT ?`, key)
	if err != nil {
		return nil, nil, err
	}
	groups, err = s.named(ctx, `SELECT uid, name, '' FROM md_object WHERE type = 'userGroup' AND instr(lower(name), lower(?)) > 0 ORDER BY name LIMIT ?`, key)
	return users, groups, err
}

func (s *Service) named(ctx context.Context, query, key string) ([]Named, error) {
	rows, err := s.db.QueryContext(ctx, query, key, foundAtMost)
	if err != nil {
		return nil, fmt.Errorf("search people: %w", err)
	}
	defer rows.Close()
	out := []Named{}
	for rows.Next() {
		var n Named
		if err := rows.Scan(&n.ID, &n.Name, &n.Username); err != nil {
			return nil, fmt.Errorf("search people: %w", err)
		}
		n.DisplayName = n.Name
		out = append(out, n)
	}
	return out, rows.Err()
}
