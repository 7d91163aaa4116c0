package metadata

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// roleErrors forbids to give away what one does not have: E3032.
func (b *bundle) roleErrors(s *schema, doc document) []errorReport {
	for _, a := range listOf(doc, "authorities") {
		if name, _ := a.(string); !b.p.user.Has(name) {
			return []errorReport{report(s, "E3032", "User `%s` does not have access to user role", b.p.user.Username)}
		}
	}
	return nil
}

var usernameForm = regexp.MustCompile(`^(?:[a-zA-Z0-9]|[._@-](?:[a-zA-Z0-9]))[a-zA-Z0-9._@-]*$`)

var whatsAppForm = regexp.MustCompile(`^\+?[0-9]{6,15}$`)

// userErrors are the rules of accounts (DHIS2 2.44 UserObjectBundleHook): names
// (E4049, E4054, E4056), password (E4005), roles (E4055, E3003, E3041).
func (b *bundle) userErrors(ctx context.Context, s *schema, doc document, old *object) ([]errorReport, error) {
	var errs []errorReport
	name := textOf(doc, "username")
	aboutName := func(e errorReport) { errs = append(errs, e.of("", "username")) }
	given := any(name)
	if name == "" {
		given = nil
	}
	switch {
	case old != nil && name != "" && name != textOf(old.doc, "username"):
		aboutName(report(s, "E4056", "Property `%s` can not be changed, was given `%s`.", "username", given))
	case b.p.strategy != "CREATE": // an import of both looks at neither (2.44, observed)
	case old == nil && !validUsername(name):
		aboutName(report(s, "E4049", "Property `%s` requires a valid username, was given `%s`", "username", given))
	case old == nil:
		taken, err := b.nameTaken(ctx, name, textOf(doc, "id"))
		if err != nil {
			return nil, err
		}
		if taken {
			aboutName(report(s, "E4054", "Property `%s` already exists, was given `%s`.", "username", name))
		}
	}
	if uid := textOf(doc, "id"); !dhis2.IsUID(uid) {
		errs = append(errs, report(s, "E4014", "Invalid UID `%s` for property `%s`", uid, "uid").of("", "uid"))
	}
	if p := textOf(doc, "password"); p != "" {
		if rule := b.s.passwordRule(p, name, textOf(doc, "email")); rule != "" {
			errs = append(errs, report(s, "E4005", "Property `%s` requires a valid password, `%s`", "password", rule).of("java.lang.String", "password"))
		}
	}
	if w := textOf(doc, "whatsApp"); w != "" && !whatsAppForm.MatchString(w) {
		errs = append(errs, report(s, "E4027", "Value `%s` is not a valid for property `%s`", w, "whatsApp").of("", "whatsApp"))
	}
	if open := textOf(doc, "openId"); open != "" {
		taken, err := b.openIDTaken(ctx, open, textOf(doc, "id"))
		if err != nil {
			return nil, err
		}
		if taken {
			errs = append(errs, report(s, "E4054", "Property `%s` already exists, was given `%s`.", "OIDC mapping value", open).of("", "username"))
		}
	}
	more, err := b.userRoleErrors(ctx, s, doc, old, given)
	return append(errs, more...), err
}

// validUsername: 4 to 255 characters of letters, digits and . _ @ - (2.44
// ValidationUtils.usernameIsValid).
func validUsername(name string) bool {
	return len(name) >= 4 && len(name) <= 255 && usernameForm.MatchString(name) && !strings.ContainsAny(name[len(name)-1:], "._@-")
}

func (b *bundle) nameTaken(ctx context.Context, name, uid string) (bool, error) {
	var n int
	if err := b.tx.QueryRowContext(ctx, `SELECT count(*) FROM md_account WHERE username = ? AND uid <> ?`, name, uid).Scan(&n); err != nil {
		return false, err
	}
	if n == 0 {
		if other := b.values["account.username"][name]; other != "" && other != uid {
			return true, nil
		}
		b.claim(&schema{singular: "account"}, "username", name, uid)
	}
	return n > 0, nil
}

func (b *bundle) openIDTaken(ctx context.Context, open, uid string) (bool, error) {
	taken := false
	err := each(ctx, b.tx, b.s.cat.bySingular["user"], "", nil, func(o *object) error {
		taken = taken || textOf(o.doc, "openId") == open && o.uid != uid
		return nil
	})
	return taken, err
}

// userRoleErrors demands a role, and forbids to give one that is more than one's own.
func (b *bundle) userRoleErrors(ctx context.Context, s *schema, doc document, old *object, username any) ([]errorReport, error) {
	roles := listOf(doc, "userRoles")
	if len(roles) == 0 {
		return []errorReport{report(s, "E4055", "User needs to have at least one user role associated with it", "username", username).of("", "username")}, nil
	}
	var errs []errorReport
	typ := b.s.cat.bySingular["userRole"]
	for _, v := range roles {
		role, err := b.roleOf(ctx, typ, idOf(v))
		if err != nil {
			return nil, err
		}
		for _, a := range listOf(role, "authorities") {
			if name, _ := a.(string); !b.p.user.Has(name) {
				errs = append(errs, report(typ, "E3003", "User `%s` is not allowed to grant users access to user role `%s`", b.p.user.Username, textOf(role, "name")))
				break
			}
		}
	}
	if old != nil && !b.p.user.Super() {
		u, err := b.s.loadUser(ctx, b.tx, `username = ?`, textOf(old.doc, "username"))
		if err != nil && !errors.Is(err, ErrNoUser) {
			return nil, err
		}
		if u != nil && u.Super() {
			errs = append(errs, report(s, "E3041", "User `%s` is not allowed to change a user having the ALL authority", b.p.user.Username))
		}
	}
	return errs, nil
}

func (b *bundle) roleOf(ctx context.Context, typ *schema, uid string) (document, error) {
	if b.g.has(typ, uid) {
		t := b.g.types[typ]
		return b.g.decode(t, t.byUID[uid])
	}
	o, err := load(ctx, b.tx, typ, uid)
	if errors.Is(err, errNoObject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return o.doc, nil
}
