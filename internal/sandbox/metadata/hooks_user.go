package metadata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// beforeUser keeps a user's password out of the document and works out the name.
func (b *bundle) beforeUser(_ context.Context, o, old *object) error {
	o.doc["name"] = textOf(o.doc, "firstName") + " " + textOf(o.doc, "surname")
	for _, k := range []string{"disabled", "externalAuth", "selfRegistered", "invitation"} {
		if o.doc[k] == nil {
			o.doc[k] = false
		}
	}
	if old != nil {
		o.doc["username"] = old.doc["username"]
		if o.doc["passwordLastUpdated"] == nil {
			o.doc["passwordLastUpdated"] = old.doc["passwordLastUpdated"]
		}
	}
	if textOf(o.doc, "password") != "" || old == nil && o.doc["passwordLastUpdated"] == nil {
		o.doc["passwordLastUpdated"] = b.now
	}
	return nil
}

// afterUser keeps the account of a user: the hash of the password, which no
// document holds, and the groups that the payload names on the user's side.
func (b *bundle) afterUser(ctx context.Context, o, old *object) error {
	password := textOf(o.doc, "password")
	hash := ""
	if password != "" {
		var err error
		if hash, err = hashPassword(password); err != nil {
			return err
		}
	}
	if old == nil {
		taken, err := b.nameTaken(ctx, textOf(o.doc, "username"), o.uid)
		if err != nil {
			return err
		}
		if taken {
			return problem.Plain409("ERROR: duplicate key value violates unique constraint \"uk_userinfo_username\"\n  Detail: Key (username)=(%s) already exists.", textOf(o.doc, "username"))
		}
		_, err = b.tx.ExecContext(ctx, `INSERT INTO md_account (uid, username, password, password_changed, history, two_factor, two_factor_secret, last_login)
			VALUES (?, ?, ?, ?, '', 'NOT_ENABLED', '', '')`, o.uid, textOf(o.doc, "username"), hash, b.now)
		if err != nil {
			return fmt.Errorf("store account: %w", err)
		}
	} else if hash != "" {
		if err := b.changeHash(ctx, o.uid, hash); err != nil {
			return err
		}
		b.end = append(b.end, textOf(o.doc, "username"))
	} else if at := textOf(o.doc, "passwordLastUpdated"); at != "" && at != textOf(old.doc, "passwordLastUpdated") {
		if _, err := b.tx.ExecContext(ctx, `UPDATE md_account SET password_changed = ? WHERE uid = ?`, at, o.uid); err != nil {
			return fmt.Errorf("store age of password: %w", err)
		}
	}
	if old != nil && boolOf(o.doc, "disabled") && !boolOf(old.doc, "disabled") {
		b.end = append(b.end, textOf(o.doc, "username"))
	}
	return b.joinGroups(ctx, o)
}

func (b *bundle) changeHash(ctx context.Context, uid, hash string) error {
	u, err := b.s.loadUser(ctx, b.tx, `uid = ?`, uid)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return err
	}
	var history []string
	if u != nil {
		history = append([]string{u.passwordHash}, u.history...)
	}
	if len(history) > passwordsKept {
		history = history[:passwordsKept]
	}
	if _, err := b.tx.ExecContext(ctx, `UPDATE md_account SET password = ?, password_changed = ?, history = ? WHERE uid = ?`, hash, b.now, strings.Join(history, " "), uid); err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return nil
}

// joinGroups follows userGroups of a user's payload: it is the other side of
// userGroup.users. A payload without the member leaves the groups alone.
func (b *bundle) joinGroups(ctx context.Context, o *object) error {
	given, ok := o.doc["userGroups"].([]any)
	if !ok {
		return nil
	}
	groups := b.s.cat.bySingular["userGroup"]
	now, err := referrers(ctx, b.tx, b.s.cat, o.typ, o.uid, groups, "users")
	if err != nil {
		return err
	}
	for _, g := range now {
		if !slices.ContainsFunc(given, func(v any) bool { return idOf(v) == g.uid }) {
			groups.drop(g.doc, o.typ, o.uid)
			if err := put(ctx, b.tx, g); err != nil {
				return err
			}
		}
	}
	for _, v := range given {
		g, err := load(ctx, b.tx, groups, idOf(v))
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(listOf(g.doc, "users"), func(m any) bool { return idOf(m) == o.uid }) {
			continue
		}
		g.doc["users"] = append(listOf(g.doc, "users"), id(o.uid))
		if err := put(ctx, b.tx, g); err != nil {
			return err
		}
	}
	return nil
}
