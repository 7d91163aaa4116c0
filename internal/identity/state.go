package identity

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// stateFields is what d2gate asks of /api/users about an account.
const stateFields = "id,username,name,displayName,disabled,accountExpiry,userRoles[authorities]"

// account is an account as GET /api/users shows it.
type account struct {
	ID, Username, Name, DisplayName string
	Disabled                        bool
	AccountExpiry                   dhisTime
	UserRoles                       []struct{ Authorities []string }
}

// inForce reports whether the account may act at t. DHIS2 holds an account to be
// expired from its accountExpiry on.
func (a *account) inForce(t time.Time) bool {
	return !a.Disabled && (a.AccountExpiry.IsZero() || t.Before(a.AccountExpiry.Time))
}

func (a *account) user() User {
	var all []string
	for _, r := range a.UserRoles {
		all = append(all, r.Authorities...)
	}
	slices.Sort(all)
	return User{a.ID, a.Username, a.Name, a.DisplayName, slices.Compact(all)}
}

// dhisTime reads DHIS2's times: with or without a zone, the latter taken as UTC.
type dhisTime struct{ time.Time }

// UnmarshalJSON reads a text or null. An unreadable time is an error, so that an
// account whose expiry is not understood is not taken for one without.
func (t *dhisTime) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil || text == "" {
		return err
	}
	var err error
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999-0700", "2006-01-02T15:04:05.999", time.DateOnly} {
		if t.Time, err = time.Parse(layout, text); err == nil {
			return nil
		}
	}
	return err
}

// expressible reports whether name can stand in a filter of DHIS2. The value of
// eq may hold colons; commas, brackets and control characters have meanings of
// their own there (contract 6.2), and no username of DHIS2 holds them.
func expressible(name string) bool {
	return name != "" && len(name) <= 255 && !strings.ContainsAny(name, ",[](){}\\") && !hasControl(name)
}
