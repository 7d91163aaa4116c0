package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// This file holds what single types do beyond the table (DHIS2 2.44's
// ObjectBundleHooks): their own checks, what they work out before they are stored,
// and what they change in others afterwards.

// hookErrors are the checks of one type.
func (b *bundle) hookErrors(ctx context.Context, s *schema, doc document, old *object) ([]errorReport, error) {
	switch s.singular {
	case "user":
		return b.userErrors(ctx, s, doc, old)
	case "userRole":
		return b.roleErrors(s, doc), nil
	case "option":
		return b.optionErrors(ctx, doc)
	case "programStage":
		return b.stageErrors(ctx, s, doc)
	case "organisationUnit":
		return unitErrors(s, doc), nil
	}
	return nil, nil
}

// roleErrors forbids to give away what one does not have: E3032.
func (b *bundle) roleErrors(s *schema, doc document) []errorReport {
	for _, a := range listOf(doc, "authorities") {
		if name, _ := a.(string); !b.p.user.Has(name) {
			return []errorReport{report(s, "E3032", "User `%s` does not have access to user role", b.p.user.Username)}
		}
	}
	return nil
}

// optionErrors forbids two options of one code in a set: E4028.
func (b *bundle) optionErrors(ctx context.Context, doc document) ([]errorReport, error) {
	set, code := idOf(doc["optionSet"]), textOf(doc, "code")
	if set == "" || code == "" {
		return nil, nil
	}
	sets, options := b.s.cat.bySingular["optionSet"], b.s.cat.bySingular["option"]
	rows, err := b.tx.QueryContext(ctx, `SELECT o.uid FROM md_object o JOIN md_ref r ON r.seq = o.seq
		WHERE o.type = 'option' AND o.code = ? AND r.target_type = 'optionSet' AND r.target = ? AND r.type = 'option' AND r.property = 'optionSet'`, code, set)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return nil, err
		}
		if uid != textOf(doc, "id") && !b.g.has(options, uid) {
			return []errorReport{report(sets, "E4028", "Option set `%s` already contains option `%s`", set, uid)}, nil
		}
	}
	return nil, rows.Err()
}

// stageErrors demands the program of a stage: E4053.
func (b *bundle) stageErrors(ctx context.Context, s *schema, doc document) ([]errorReport, error) {
	if idOf(doc["program"]) != "" {
		return nil, nil
	}
	uid := textOf(doc, "id")
	if t := b.g.types[b.s.cat.bySingular["program"]]; t != nil {
		for _, it := range t.items {
			p, err := b.g.decode(t, it)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(listOf(p, "programStages"), func(v any) bool { return idOf(v) == uid }) {
				return nil, nil
			}
		}
	}
	return []errorReport{report(s, "E4053", "Program stage `%s` must reference a program", uid)}, nil
}

// unitErrors demands that a unit closes after it opens: E4013. The texts are Java's
// short form of a date and the one of Date.toString.
func unitErrors(s *schema, doc document) []errorReport {
	opens, closes := parseStamp(textOf(doc, "openingDate")), parseStamp(textOf(doc, "closedDate"))
	if opens.IsZero() || closes.IsZero() || !closes.Before(opens) {
		return nil
	}
	short, long := "1/2/06, 3:04 PM", "Mon Jan 02 15:04:05 UTC 2006"
	e := report(s, "E4013", "Invalid closing date `%s`, must be after opening date `%s`", closes.Format(short), opens.Format(short))
	e.Args, e.ErrorProperties = []any{closes.Format(long), opens.Format(long)}, []any{stamp(closes), stamp(opens)}
	return []errorReport{e}
}

// twiceErrors forbids to name a category twice: E5007.
func (b *bundle) twiceErrors(s *schema, doc document) []errorReport {
	if s.singular != "categoryCombo" {
		return nil
	}
	seen := map[string]bool{}
	for _, v := range listOf(doc, "categories") {
		uid := idOf(v)
		if seen[uid] {
			e := report(s, "E5007", "Duplicate reference %s on object %s for association `%s`", labelOf(b.s.cat.bySingular["category"], "", uid), b.label(s, doc), "category")
			e.MainID, e.ErrorKlass, e.ErrorProperty = textOf(doc, "id"), "org.hisp.dhis.category.Category", "category"
			return []errorReport{e}
		}
		seen[uid] = true
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

// before completes an object just before it is stored.
func (b *bundle) before(ctx context.Context, o, old *object) error {
	switch o.typ.singular {
	case "user":
		return b.beforeUser(ctx, o, old)
	case "organisationUnit":
		return b.beforeUnit(ctx, o)
	case "optionSet", "dataSet", "program":
		b.beforeVersioned(o, old)
		return b.beforeList(ctx, o)
	case "categoryOptionCombo":
		return b.beforeOptionCombo(ctx, o)
	case "visualization", "eventVisualization":
		foldDimensions(o.doc)
	case "dashboard":
		for _, v := range listOf(o.doc, "dashboardItems") {
			typeOfItem(v)
		}
	}
	return nil
}

// beforeVersioned counts the changes of an object (VersionedObjectObjectBundleHook).
func (b *bundle) beforeVersioned(o, old *object) {
	if old == nil {
		if o.doc["version"] == nil {
			o.doc["version"] = json.Number("0")
		}
		return
	}
	n, _ := asFloat(old.doc["version"])
	o.doc["version"] = json.Number(strconv.Itoa(int(n) + 1))
}

// twoSided are lists that DHIS2 keeps on the side of their items.
var twoSided = map[string]struct{ list, item, property string }{
	"optionSet": {"options", "option", "optionSet"},
	"program":   {"programStages", "programStage", "program"},
}

// beforeList adds the items that name the object themselves.
func (b *bundle) beforeList(ctx context.Context, o *object) error {
	side, ok := twoSided[o.typ.singular]
	if !ok {
		return nil
	}
	list := listOf(o.doc, side.list)
	items, err := referrers(ctx, b.tx, b.s.cat, o.typ, o.uid, b.s.cat.bySingular[side.item], side.property)
	if err != nil {
		return err
	}
	for _, it := range items {
		if !slices.ContainsFunc(list, func(v any) bool { return idOf(v) == it.uid }) {
			list = append(list, id(it.uid))
		}
	}
	if list == nil {
		list = []any{}
	}
	o.doc[side.list] = list
	return nil
}

// afterItem keeps both sides of a two-sided list alike.
func (b *bundle) afterItem(ctx context.Context, o *object, owner string) error {
	side := twoSided[owner]
	holder := idOf(o.doc[side.property])
	if holder == "" {
		return nil
	}
	typ := b.s.cat.bySingular[owner]
	h, err := load(ctx, b.tx, typ, holder)
	if errors.Is(err, errNoObject) {
		return nil // it comes later in the payload and finds its items itself
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(listOf(h.doc, side.list), func(v any) bool { return idOf(v) == o.uid }) {
		return nil
	}
	h.doc[side.list] = append(listOf(h.doc, side.list), id(o.uid))
	if owner == "optionSet" {
		n, _ := asFloat(h.doc["version"])
		h.doc["version"] = json.Number(strconv.Itoa(int(n) + 1))
	}
	return put(ctx, b.tx, h)
}

// afterList tells the items of a two-sided list whose they are.
func (b *bundle) afterList(ctx context.Context, o *object) error {
	side, ok := twoSided[o.typ.singular]
	if !ok {
		return nil
	}
	typ := b.s.cat.bySingular[side.item]
	for i, v := range listOf(o.doc, side.list) {
		it, err := load(ctx, b.tx, typ, idOf(v))
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return err
		}
		place := json.Number(strconv.Itoa(i))
		if idOf(it.doc[side.property]) == o.uid && it.doc["sortOrder"] == place {
			continue
		}
		it.doc[side.property] = id(o.uid)
		if o.typ.singular == "optionSet" { // the list decides
			it.doc["sortOrder"] = place
		}
		if err := put(ctx, b.tx, it); err != nil {
			return err
		}
	}
	return nil
}

// after changes others once an object is stored.
func (b *bundle) after(ctx context.Context, o, old *object) error {
	switch o.typ.singular {
	case "user":
		return b.afterUser(ctx, o, old)
	case "option":
		return b.afterItem(ctx, o, "optionSet")
	case "programStage":
		return b.afterItem(ctx, o, "program")
	case "optionSet", "program":
		return b.afterList(ctx, o)
	case "organisationUnit":
		if old != nil && textOf(old.doc, "path") != textOf(o.doc, "path") {
			return b.s.repath(ctx, b.tx, o)
		}
	case "categoryCombo":
		if b.p.single && old == nil {
			return b.s.makeOptionCombos(ctx, b.tx, o, b.p.user, b.now)
		}
	}
	return nil
}

// finish runs once everything is stored: what referred forward is made whole.
func (b *bundle) finish(ctx context.Context) error {
	if t := b.g.types[b.s.cat.bySingular["organisationUnit"]]; t != nil {
		if err := b.finishUnits(ctx, t); err != nil {
			return err
		}
	}
	if t := b.g.types[b.s.cat.bySingular["categoryOptionCombo"]]; t != nil {
		return b.finishOptionCombos(ctx, t)
	}
	return nil
}

// typeOfItem works out the kind of a dashboard item from what it shows.
func typeOfItem(v any) {
	d, _ := v.(map[string]any)
	if d == nil || d["type"] != nil {
		return
	}
	for _, k := range []string{"visualization", "eventVisualization", "eventChart", "eventReport", "map", "text", "users", "reports", "resources", "messages", "appKey"} {
		if list, ok := d[k].([]any); d[k] != nil && (!ok || len(list) > 0) {
			d["type"] = map[string]string{"appKey": "APP"}[k]
			if k != "appKey" {
				d["type"] = snakeCase(k)
			}
			return
		}
	}
}
