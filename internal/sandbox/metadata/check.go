package metadata

import (
	"context"
	"encoding/json"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// check is the validation of an import (DHIS2 2.44 ObjectBundleValidationService):
// every object against its type, the user's rights, values that may stand once, its
// attributes and its references, before anything is written.
func (b *bundle) check(ctx context.Context) error {
	for _, t := range b.types {
		if err := b.checkType(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (b *bundle) checkType(ctx context.Context, t *stagedType) error {
	for i, it := range t.items {
		doc, err := b.g.decode(t, it)
		if err != nil {
			return err
		}
		if first := t.byUID[it.uid]; first != it {
			b.duplicate(t, it, first, doc)
			continue
		}
		if err := b.checkOne(ctx, t, it, doc); err != nil {
			return err
		}
		if i%1000 == 999 && b.p.progress != nil {
			b.p.progress(b.done, 2*b.g.total)
		}
		b.done++
	}
	return nil
}

// duplicate refuses an object whose uid an earlier one of the payload has. An equal
// one takes the first with it (DHIS2 removes by equality).
func (b *bundle) duplicate(t *stagedType, it, first *staged, doc document) {
	e := report(t.typ, "E5004", "Id `%s` for type `%s` exists on more than 1 object in the payload, removing all but the first found", it.uid, "class "+t.typ.className()).of("", "id")
	e.MainID, e.ErrorProperties = it.uid, []any{it.uid, t.typ.className()}
	b.fail(t, it, e)
	if other, err := b.g.decode(t, first); err == nil && textOf(other, "name") == textOf(doc, "name") && textOf(other, "code") == textOf(doc, "code") && !first.bad && b.p.atomic {
		first.bad = true
	}
}

func (b *bundle) checkOne(ctx context.Context, t *stagedType, it *staged, doc document) error {
	s := t.typ
	var old *object
	if it.seq != 0 {
		var err error
		if old, err = load(ctx, b.tx, s, it.uid); err != nil {
			return err
		}
	}
	if errs := b.checkStrategy(t, it, doc, old); errs != nil {
		b.fail(t, it, errs...)
		return nil
	}
	if e, refused := b.checkRights(s, doc, old); refused {
		b.fail(t, it, e)
		return nil
	}
	b.fill(s, doc)
	b.fail(t, it, s.validate(doc)...)
	hooks, err := b.hookErrors(ctx, s, doc, old)
	if err != nil {
		return err
	}
	if b.fail(t, it, append(s.validateUID(doc), hooks...)...); it.bad {
		return nil
	}
	var errs []errorReport
	if errs, err = b.checkUnique(ctx, s, it, doc); err != nil {
		return err
	} else if len(errs) > 0 {
		b.fail(t, it, errs...)
		return nil
	}
	if errs, err = b.checkAttributes(ctx, s, it, doc); err != nil {
		return err
	}
	translations := s.checkTranslations(doc)
	refs, err := b.checkReferences(ctx, s, doc)
	if err != nil {
		return err
	}
	unknown := slices.DeleteFunc(slices.Clone(errs), func(e errorReport) bool { return e.ErrorCode != "E5002" })
	errs = slices.DeleteFunc(errs, func(e errorReport) bool { return e.ErrorCode == "E5002" })
	b.fail(t, it, translations...)
	if refs = append(refs, unknown...); len(refs) > 0 {
		b.dangling(t, it, refs)
	}
	b.fail(t, it, errs...)
	return nil
}

// dangling notes references to objects that do not exist. A best-effort import
// stores the object without them; an atomic one counts it twice (2.44, observed).
func (b *bundle) dangling(t *stagedType, it *staged, errs []errorReport) {
	it.errs = append(it.errs, errs...)
	b.failed = true
	if !b.p.atomic {
		it.bad = it.bad || b.p.single
		return
	}
	b.stats[t].Ignored++
	b.stats[t].Total++
}

// checkStrategy refuses what the strategy does not allow: E5000 and E5001.
func (b *bundle) checkStrategy(t *stagedType, it *staged, doc document, old *object) []errorReport {
	ident := "UID"
	if b.p.byCode {
		ident = "CODE"
	}
	switch {
	case b.p.strategy == "CREATE" && old != nil:
		e := report(t.typ, "E5000", "Found matching object for reference, but import strategy is CREATE. Identifier was %s, and object was %s.", ident, b.label(t.typ, old.doc))
		e.MainID = it.uid
		it.index = len(t.items) + t.extra
		t.extra++
		return []errorReport{e}
	case b.p.strategy == "UPDATE" && old == nil:
		e := report(t.typ, "E5001", "No matching object for reference. Identifier was %s, and object was %s.", ident, b.label(t.typ, doc)).of("", "id")
		e.MainID = it.uid
		return []errorReport{e}
	}
	return nil
}

// checkRights refuses what the user may not do: E3000 and E3001.
func (b *bundle) checkRights(s *schema, doc document, old *object) (errorReport, bool) {
	u := b.p.user
	switch {
	case old == nil && !s.canCreate(u):
		return report(s, "E3000", "User `%s` is not allowed to create objects of type %s", u.Name()+" ["+u.UID+"] (User)", b.label(s, doc)), true
	case old != nil && !s.canUpdate(u, old.doc):
		return report(s, "E3001", "User `%s` is not allowed to update object `%s`", u.Name()+" ["+u.UID+"] (User)", b.label(s, old.doc)), true
	}
	return errorReport{}, false
}

// fill gives the defaults of members that the payload leaves out.
func (b *bundle) fill(s *schema, doc document) {
	for _, p := range s.properties {
		if _, ok := doc[p.name]; ok || p.def == "" || !p.isStored() {
			continue
		}
		v, err := parseAny([]byte(p.def))
		if err == nil {
			doc[p.name] = v
		}
	}
	for _, p := range s.properties {
		if p.kind != kObjs || p.item == nil {
			continue
		}
		for _, v := range listOf(doc, p.name) {
			d, _ := v.(map[string]any)
			b.fillEmbedded(p.item, d, doc)
		}
	}
}

// fillEmbedded completes an embedded object: a uid of its own, and the reference to
// the object that holds it.
func (b *bundle) fillEmbedded(s *schema, doc, owner document) {
	b.fill(s, doc)
	for _, p := range s.properties {
		if p.ownerUID {
			doc[p.name] = id(textOf(owner, "id"))
		}
	}
	if !s.identifiable() || s.stored() {
		return
	}
	if textOf(doc, "id") == "" {
		if uid, err := dhis2.NewUID(b.s.cfg.Rand); err == nil {
			doc["id"] = uid
		}
	}
	if p := s.byName["created"]; p != nil && textOf(doc, "created") == "" {
		doc["created"] = b.now
	}
	if p := s.byName["lastUpdated"]; p != nil {
		doc["lastUpdated"] = b.now
	}
}

var emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
var urlForm = regexp.MustCompile(`^(?i)(https?|ftp)://[^\s/?#.]+[^\s]*$`)

// validate checks a document against its type: E4000 to E4008.
func (s *schema) validate(doc document) []errorReport {
	var errs []errorReport
	for _, p := range s.properties {
		if !p.isStored() && p.kind != kPassword || p.name == "created" || p.name == "lastUpdated" {
			continue
		}
		if e, wrong := p.validate(s, doc[p.name]); wrong {
			errs = append(errs, e)
		}
	}
	return errs
}

// validateUID checks the form of a uid: E4014.
func (s *schema) validateUID(doc document) []errorReport {
	if uid := textOf(doc, "id"); !dhis2.IsUID(uid) {
		return []errorReport{report(s, "E4014", "Invalid UID `%s` for property `%s`", uid, s.simpleName())}
	}
	return nil
}

func (p *property) validate(s *schema, v any) (errorReport, bool) {
	if v == nil || v == "" {
		if p.required {
			return report(s, "E4000", "Missing required property `%s`", p.name).of(p.class(), p.name), true
		}
		if v == nil {
			return errorReport{}, false
		}
	}
	switch v := v.(type) {
	case string:
		if p.kind == kEnum || p.kind == kDate || p.kind == kPeriodType {
			return errorReport{}, false
		}
		return p.validateText(s, v)
	case json.Number:
		return p.validateNumber(s, v)
	}
	return errorReport{}, false
}

// validateNumber: E4008. The message groups digits, the arguments are Java's.
func (p *property) validateNumber(s *schema, v json.Number) (errorReport, bool) {
	low, high := p.min, p.max
	if math.IsNaN(low) {
		low = -math.MaxFloat64
	}
	if math.IsNaN(high) {
		high = math.MaxFloat64
	}
	f, err := v.Float64()
	if err == nil && f >= low && f <= high {
		return errorReport{}, false
	}
	given := any(rawJSON(v))
	if math.IsInf(f, 0) {
		given = string(v)
	}
	return errorReport{
		Message: "Allowed range for numeric property `" + p.name + "` is [" + messageNumber(low) + " to " + messageNumber(high) + "], but number given was " + messageNumber(f),
		Args:    []any{p.name, javaDouble(low), javaDouble(high), string(v)}, MainKlass: s.className(), ErrorCode: "E4008", ErrorKlass: p.class(), ErrorProperty: p.name,
		ErrorProperties: []any{p.name, rawJSON(javaDouble(low)), rawJSON(javaDouble(high)), given},
	}, true
}

func (p *property) validateText(s *schema, v string) (errorReport, bool) {
	n := len(v)
	if n > 0 {
		n = len(utf16.Encode([]rune(v)))
	}
	switch {
	case p.kind == kPassword:
		return errorReport{}, false
	case !math.IsNaN(p.max) && n > int(p.max):
		return report(s, "E4001", "Maximum length of property `%s`is %s, but given length was %s", p.name, rawInt(p.max), rawInt(float64(n))).of(p.class(), p.name).numbers(), true
	case !math.IsNaN(p.min) && n < int(p.min):
		top := p.max
		if math.IsNaN(top) {
			top = math.MaxInt32
		}
		return report(s, "E4002", "Allowed length range for property `%s` is [%s to %s], but given length was %s", p.name, p.min, top, rawInt(float64(n))).of(p.class(), p.name).numbers(), true
	case p.kind == kEmail && v != "" && !isEmail(v):
		return report(s, "E4003", "Property `%s` requires a valid email address, was given `%s`", p.name, v).of(p.class(), p.name), true
	case p.kind == kURL && v != "" && !urlForm.MatchString(v):
		return report(s, "E4004", "Property `%s` requires a valid URL, was given `%s`", p.name, v).of(p.class(), p.name), true
	}
	return errorReport{}, false
}

// rawInt marks a whole number: a text among the arguments, a number among the
// properties.
func rawInt(f float64) string { return strings.TrimSuffix(javaDouble(f), ".0") }

// numbers turns the properties after the first into numbers.
func (e errorReport) numbers() errorReport {
	for i, p := range e.ErrorProperties {
		if s, ok := p.(string); ok && i > 0 {
			e.ErrorProperties[i] = rawJSON(s)
		}
	}
	return e
}

func isEmail(v string) bool {
	_, err := mail.ParseAddress(v)
	return err == nil && emailForm.MatchString(v)
}

// checkUnique refuses values that another object has: E5003.
func (b *bundle) checkUnique(ctx context.Context, s *schema, it *staged, doc document) ([]errorReport, error) {
	var errs []errorReport
	for _, p := range s.uniques() {
		v := uniqueText(doc[p.name])
		if v == "" || s.singular == "user" && p.name == "username" {
			continue
		}
		holder, err := b.holder(ctx, s, p.name, v, it)
		if err != nil {
			return nil, err
		}
		if holder != "" {
			e := report(s, "E5003", "Property `%s` with value `%s` on object %s already exists on object %s", p.name, v, labelOf(s, nameOf(s, doc), it.uid), holder).of("", p.name)
			e.MainID = holder
			errs = append(errs, e)
		}
	}
	if len(errs) == 0 {
		for _, p := range s.uniques() {
			if v := uniqueText(doc[p.name]); v != "" {
				b.claim(s, p.name, v, it.uid)
			}
		}
	}
	return errs, nil
}

// holder finds who else has the value, in the payload or in the database. An object
// that the payload updates is judged by what the payload says of it.
func (b *bundle) holder(ctx context.Context, s *schema, property, value string, it *staged) (string, error) {
	if uid := b.values[s.singular+"."+property][value]; uid != "" && uid != it.uid {
		return uid, nil
	}
	uid, err := holderOf(ctx, b.tx, s, property, value)
	if err != nil || uid == it.uid {
		return "", err
	}
	return uid, nil
}

func (b *bundle) claim(s *schema, property, value, uid string) {
	key := s.singular + "." + property
	if b.values[key] == nil {
		b.values[key] = map[string]string{}
	}
	b.values[key][value] = uid
}

// checkTranslations refuses translations that lack something or stand twice.
func (s *schema) checkTranslations(doc document) []errorReport {
	seen := map[string]bool{}
	for _, v := range listOf(doc, "translations") {
		t, _ := v.(map[string]any)
		wrong := func(code, format string, args ...any) []errorReport {
			e := report(nil, code, format, args...)
			e.MainKlass, e.ErrorKlass = "org.hisp.dhis.translation.Translation", s.className()
			return []errorReport{e}
		}
		for _, k := range []string{"locale", "property", "value"} {
			if textOf(t, k) == "" {
				return wrong("E4000", "Missing required property `%s`", k)
			}
		}
		key := textOf(t, "property") + "\x00" + textOf(t, "locale")
		if seen[key] {
			return wrong("E1106", "There are duplicate translation records for property `%s` and locale `%s` on %s `%s`", textOf(t, "property"), textOf(t, "locale"), s.simpleName(), textOf(doc, "id"))
		}
		seen[key] = true
	}
	return nil
}

// checkReferences finds references to objects that neither the database nor the
// payload has, resolves codes to uids, and takes the dangling ones out of doc:
// E5002.
func (b *bundle) checkReferences(ctx context.Context, s *schema, doc document) ([]errorReport, error) {
	var errs []errorReport
	twice := b.twiceErrors(s, doc) // before repeated references are dropped
	for _, p := range s.properties {
		more, err := b.checkProperty(ctx, s, p, doc)
		if err != nil {
			return nil, err
		}
		errs = append(errs, more...)
	}
	more, err := b.checkSharingReferences(ctx, s, doc)
	return append(append(errs, more...), twice...), err
}

func (b *bundle) checkProperty(ctx context.Context, s *schema, p *property, doc document) ([]errorReport, error) {
	v := doc[p.name]
	if v == nil || p.name == "createdBy" || p.name == "lastUpdatedBy" {
		return nil, nil
	}
	var errs []errorReport
	switch {
	case p.kind == kRef && p.item != nil && !p.ownerUID:
		ok, err := b.resolve(ctx, p.item, v.(map[string]any))
		if err != nil || ok {
			return nil, err
		}
		delete(doc, p.name)
		return []errorReport{b.invalid(s, p, v, doc, false)}, nil
	case p.kind == kRefs && p.item != nil:
		list := v.([]any)
		kept := make([]any, 0, len(list))
		for _, item := range list {
			ok, err := b.resolve(ctx, p.item, item.(map[string]any))
			if err != nil {
				return nil, err
			}
			if ok {
				if !slices.ContainsFunc(kept, func(k any) bool { return idOf(k) == idOf(item) }) {
					kept = append(kept, item)
				}
			} else {
				errs = append(errs, b.invalid(s, p, item, doc, true))
			}
		}
		doc[p.name] = kept
	case p.kind == kObjs && p.item != nil:
		for _, item := range v.([]any) {
			d, _ := item.(map[string]any)
			more, err := b.checkReferences(ctx, p.item, d)
			if err != nil {
				return nil, err
			}
			errs = append(errs, more...)
		}
	}
	return errs, nil
}

func (b *bundle) invalid(s *schema, p *property, ref any, doc document, many bool) errorReport {
	m, _ := ref.(map[string]any)
	ident := textOf(m, "id")
	if b.p.byCode {
		ident = textOf(m, "code")
	}
	if ident == "" {
		ident = "null"
	}
	name := ""
	if p.item.singular == "user" {
		name = "null null"
	}
	e := report(s, "E5002", "Invalid reference %s on object %s for association `%s`", labelOf(p.item, name, ident), b.label(s, doc), p.singular)
	e.MainID, e.ErrorProperty = textOf(doc, "id"), p.singular
	if many {
		e.ErrorKlass = p.item.className()
	}
	return e
}

// resolve reports whether the object of a reference exists, and reduces it to its uid.
func (b *bundle) resolve(ctx context.Context, item *schema, ref map[string]any) (bool, error) {
	uid, code := textOf(ref, "id"), textOf(ref, "code")
	if b.p.byCode {
		uid = ""
	}
	if b.p.byCode && code != "" {
		found, err := uidByCode(ctx, b.tx, item.singular, code)
		if err != nil {
			return false, err
		}
		if found == "" {
			found = b.stagedByCode(item, code)
		}
		if found != "" {
			uid, ref["id"] = found, found
		}
	}
	ok, err := b.there(ctx, item, uid)
	if ok {
		delete(ref, "code")
	}
	return ok, err
}

func (b *bundle) stagedByCode(item *schema, code string) string {
	if t := b.g.types[item]; t != nil {
		for _, it := range t.items {
			if it.code == code {
				return it.uid
			}
		}
	}
	return ""
}

// there reports whether an object is in the payload or in the database.
func (b *bundle) there(ctx context.Context, item *schema, uid string) (bool, error) {
	if uid == "" {
		return false, nil
	}
	if b.g.has(item, uid) {
		return true, nil
	}
	key := item.singular + " " + uid
	if b.known[key] {
		return true, nil
	}
	ok, err := exists(ctx, b.tx, item.singular, uid)
	if ok && len(b.known) < 1<<17 {
		b.known[key] = true
	}
	return ok, err
}

// checkSharingReferences refuses accesses of users and groups that do not exist.
func (b *bundle) checkSharingReferences(ctx context.Context, s *schema, doc document) ([]errorReport, error) {
	if b.p.skipSharing || !s.shareable {
		return nil, nil
	}
	var errs []errorReport
	for _, k := range []struct{ member, typ, name, association string }{{"users", "user", "null null", "userAccesses"}, {"userGroups", "userGroup", "", "userGroupAccesses"}} {
		m, _ := sharingOf(doc)[k.member].(map[string]any)
		for uid := range m {
			typ := b.s.cat.bySingular[k.typ]
			ok, err := b.there(ctx, typ, uid)
			if err != nil {
				return nil, err
			}
			if !ok {
				errs = append(errs, report(s, "E5002", "Invalid reference %s on object %s for association `%s`", labelOf(typ, k.name, uid), b.label(s, doc), k.association))
				delete(m, uid)
			}
		}
	}
	return errs, nil
}
