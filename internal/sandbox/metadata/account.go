package metadata

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoUser says that no account has the name.
var ErrNoUser = errors.New("metadata: no such user")

// User is an account as the sandbox's server sees it. It is shared: read only.
type User struct {
	UID, Username      string
	Code               string
	FirstName, Surname string
	Email              string
	Authorities        []string // of all roles, sorted, each once
	Roles, Groups      []string // uids
	Disabled           bool
	ExternalAuth       bool
	AccountExpiry      time.Time // zero means never
	PasswordChanged    time.Time
	TwoFactor          string // NOT_ENABLED, TOTP_ENABLED, …
	OpenID             string
	LDAPID             string

	passwordHash    string
	twoFactorSecret string
	history         []string // hashes of earlier passwords, newest first
}

// Format prints the name alone, whatever the verb: the hash and the second factor
// never reach a log.
func (u *User) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "user %q", u.Username) }

// Name is "first last", which DHIS2 calls the name of a user.
func (u *User) Name() string { return u.FirstName + " " + u.Surname }

// Super reports whether the user may do everything.
func (u *User) Super() bool { return slices.Contains(u.Authorities, "ALL") }

// Has reports whether the user holds the authority, or ALL.
func (u *User) Has(authority string) bool {
	return u.Super() || slices.Contains(u.Authorities, authority)
}

// HasAny reports whether the user holds one of the authorities, or ALL.
func (u *User) HasAny(authorities ...string) bool {
	return u.Super() || slices.ContainsFunc(authorities, func(a string) bool { return slices.Contains(u.Authorities, a) })
}

// Expired reports whether the account's time is over at t.
func (u *User) Expired(t time.Time) bool {
	return !u.AccountExpiry.IsZero() && !t.Before(u.AccountExpiry)
}

// TwoFactorSecret is the base32 secret of the second factor, "" without one.
func (u *User) TwoFactorSecret() string { return u.twoFactorSecret }

// UserByUsername finds an account by its name, compared with case as DHIS2 2.44
// does. It returns ErrNoUser if there is none.
func (s *Service) UserByUsername(ctx context.Context, name string) (*User, error) {
	s.mu.Lock()
	u, ok := s.accounts[name]
	known := s.accounts
	s.mu.Unlock()
	if ok {
		return u, nil
	}
	u, err := s.loadUser(ctx, s.db, `username = ?`, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if len(known) < verifiedPasswords {
		known[name] = u // a change meanwhile has put another map in its place
	}
	s.mu.Unlock()
	return u, nil
}

// UserByUID finds an account by its uid, or returns ErrNoUser.
func (s *Service) UserByUID(ctx context.Context, uid string) (*User, error) {
	return s.loadUser(ctx, s.db, `uid = ?`, uid)
}

// forgetAccounts drops what is remembered of accounts, after a change.
func (s *Service) forgetAccounts() {
	s.mu.Lock()
	s.accounts = map[string]*User{}
	s.mu.Unlock()
}

// userDoc is the part of a user's document that an account needs.
type userDoc struct {
	Code          string                `json:"code"`
	FirstName     string                `json:"firstName"`
	Surname       string                `json:"surname"`
	Email         string                `json:"email"`
	Disabled      bool                  `json:"disabled"`
	ExternalAuth  bool                  `json:"externalAuth"`
	AccountExpiry string                `json:"accountExpiry"`
	OpenID        string                `json:"openId"`
	LDAPID        string                `json:"ldapId"`
	UserRoles     []struct{ ID string } `json:"userRoles"`
}

func (s *Service) loadUser(ctx context.Context, q querier, where, arg string) (*User, error) {
	u := &User{}
	var doc []byte
	var changed, history string
	err := q.QueryRowContext(ctx, `SELECT a.uid, a.username, a.password, a.password_changed, a.history, a.two_factor, a.two_factor_secret, o.doc
		FROM md_account a JOIN md_object o ON o.type = 'user' AND o.uid = a.uid WHERE a.`+where, arg).
		Scan(&u.UID, &u.Username, &u.passwordHash, &changed, &history, &u.TwoFactor, &u.twoFactorSecret, &doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoUser
	}
	if err != nil {
		return nil, fmt.Errorf("look up user: %w", err)
	}
	var d userDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("read user %s: %w", u.UID, err)
	}
	u.Code, u.FirstName, u.Surname, u.Email, u.Disabled, u.ExternalAuth, u.OpenID, u.LDAPID = d.Code, d.FirstName, d.Surname, d.Email, d.Disabled, d.ExternalAuth, d.OpenID, d.LDAPID
	u.AccountExpiry, u.PasswordChanged = parseStamp(d.AccountExpiry), parseStamp(changed)
	if history != "" {
		u.history = strings.Split(history, " ")
	}
	for _, r := range d.UserRoles {
		u.Roles = append(u.Roles, r.ID)
	}
	if err := s.loadAuthorities(ctx, q, u); err != nil {
		return nil, err
	}
	return u, s.loadGroups(ctx, q, u)
}

// loadAuthorities gathers the authorities of the user's roles.
func (s *Service) loadAuthorities(ctx context.Context, q querier, u *User) error {
	u.Authorities = []string{}
	for _, role := range u.Roles {
		var doc []byte
		err := q.QueryRowContext(ctx, `SELECT doc FROM md_object WHERE type = 'userRole' AND uid = ?`, role).Scan(&doc)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up role: %w", err)
		}
		var r struct {
			Authorities []string `json:"authorities"`
		}
		if err := json.Unmarshal(doc, &r); err != nil {
			return fmt.Errorf("read role %s: %w", role, err)
		}
		u.Authorities = append(u.Authorities, r.Authorities...)
	}
	slices.Sort(u.Authorities)
	u.Authorities = slices.Compact(u.Authorities)
	return nil
}

func (s *Service) loadGroups(ctx context.Context, q querier, u *User) error {
	rows, err := q.QueryContext(ctx, `SELECT o.uid FROM md_ref r JOIN md_object o ON o.seq = r.seq
		WHERE r.target_type = 'user' AND r.target = ? AND r.type = 'userGroup' AND r.property = 'users' ORDER BY o.uid`, u.UID)
	if err != nil {
		return fmt.Errorf("look up groups: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return fmt.Errorf("look up groups: %w", err)
		}
		u.Groups = append(u.Groups, uid)
	}
	return rows.Err()
}

// UserByOpenID finds the enabled account with this openId, or returns ErrNoUser
// (DHIS2's query has disabled = false).
func (s *Service) UserByOpenID(ctx context.Context, openID string) (*User, error) {
	if openID == "" {
		return nil, ErrNoUser
	}
	var uid string
	err := s.db.QueryRowContext(ctx, `SELECT uid FROM md_object WHERE type = 'user' AND json_extract(doc, '$.openId') = ?`, openID).Scan(&uid)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoUser
	}
	if err != nil {
		return nil, fmt.Errorf("look up user by openId: %w", err)
	}
	u, err := s.UserByUID(ctx, uid)
	if err == nil && u.Disabled {
		return nil, ErrNoUser
	}
	return u, err
}
