package pat

import (
	"encoding/json"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// Caller is who asks about tokens.
type Caller struct {
	UID         string // DHIS2 uid, "" where the back end names none
	Username    string
	Name        string
	DisplayName string
	Admin       bool // sees and changes every token (users.admins)

	Token   *Record // the personal access token that was used, nil for anything else
	Limited bool    // the credential carries a constraint besides expiry
	Bearer  bool    // the credential is an OAuth2 access token
}

func (c Caller) owner() Owner { return Owner{c.UID, c.Username, c.Name, c.DisplayName} }

// owns reports whether r is the caller's own. A record of an earlier account of the
// same name, which had another uid, is not.
func (c Caller) owns(r *Record) bool {
	return c.Username != "" && c.Username == r.Owner.Username && (c.UID == "" || r.Owner.UID == "" || c.UID == r.Owner.UID)
}

func (c Caller) mayRead(r *Record) bool { return c.Admin || c.owns(r) || c.access(r).reads() }

func (c Caller) mayWrite(r *Record) bool { return c.Admin || c.owns(r) || c.access(r).writes() }

// access is what r's sharing gives the caller: the wider of public and personal.
func (c Caller) access(r *Record) access {
	if r.Sharing == "" {
		return ""
	}
	var s sharing
	if json.Unmarshal([]byte(r.Sharing), &s) != nil {
		return "" // what cannot be read gives nothing
	}
	if own, ok := s.Users[c.UID]; ok && c.UID != "" && (own.Access.writes() || !s.Public.reads()) {
		return own.Access
	}
	return s.Public
}

// mayChange refuses what would let a token widen itself: one that carries a
// constraint may read and revoke, a bearer may only read. Fault: ConstraintScope.
func (c Caller) mayChange() error {
	if c.Limited || c.Token != nil && c.Token.Constraints.Limited() {
		return fault.New(fault.ConstraintScope, "A token with limits cannot make or change tokens.").WithScheme(fault.ApiToken)
	}
	return c.mayRevoke()
}

func (c Caller) mayRevoke() error {
	if c.Bearer {
		return fault.New(fault.ConstraintScope, "An access token cannot make, change or revoke personal access tokens.").WithScheme(fault.Bearer)
	}
	return nil
}

// cut gives the expiry that the caller may give: not beyond that of the token used.
func (c Caller) cut(expiry time.Time) time.Time {
	if c.Token == nil || c.Token.Constraints.Expiry.IsZero() {
		return expiry
	}
	if mine := c.Token.Constraints.Expiry; expiry.IsZero() || mine.Before(expiry) {
		return mine
	}
	return expiry
}
