package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// renderer turns documents into what a caller asked for, as one user sees them.
type renderer struct {
	ctx         context.Context
	s           *Service
	q           querier
	user        *User
	base        string // scheme, host and context path
	excludeDefs bool   // defaults=EXCLUDE
	skipSharing bool
	export      bool               // of many types: without addresses
	locale      string             // language of display members, "" for the database's
	users       map[string]rawJSON // what is shown of a user, by uid
	names       map[string]string
	depth       int
}

func (s *Service) renderer(ctx context.Context, q querier, u *User, base string) *renderer {
	return &renderer{ctx: ctx, s: s, q: q, user: u, base: base, users: map[string]rawJSON{}, names: map[string]string{}}
}

// maxRenderDepth ends references in circles that nested fields could follow.
const maxRenderDepth = 16

// maxKnown is how many users and names a renderer remembers.
const maxKnown = 10000

// wants reports whether n asks for the member, and for what of it.
func (n *node) wants(s *schema, p *property) (*node, bool) {
	if n.excludes[p.name] {
		return nil, false
	}
	if c := n.includes[p.name]; c != nil {
		return c, true
	}
	if p.hidden {
		return nil, false
	}
	if n.all {
		return defaultNode("all"), true
	}
	for _, preset := range n.presets {
		if inPreset(s, p, preset) {
			return defaultNode(preset), true
		}
	}
	return nil, false
}

// defaultNode is a member that was asked for by a preset only.
func defaultNode(preset string) *node { return &node{all: true, preset: preset} }

var identifiableMembers = []string{"id", "name", "code", "created", "lastUpdated", "lastUpdatedBy"}
var nameableMembers = []string{"id", "name", "shortName", "description", "code", "created", "lastUpdated"}

func inPreset(s *schema, p *property, preset string) bool {
	switch preset {
	case "all":
		return true
	case "identifiable":
		return slices.Contains(identifiableMembers, p.name)
	case "nameable":
		return slices.Contains(nameableMembers, p.name)
	case "owner":
		return p.owner()
	case "persisted":
		return p.owner() || p.inverse != nil || p.notOwner && !p.calc
	case "simple":
		return p.simple()
	}
	return false
}

// object appends a document with the members that n asks for.
func (r *renderer) object(b []byte, s *schema, doc document, n *node) ([]byte, error) {
	r.depth++
	defer func() { r.depth-- }()
	b = append(b, '{')
	start := len(b)
	var err error
	var late []lateMember
	for _, p := range s.properties {
		c, ok := n.wants(s, p)
		if !ok || r.skipSharing && p.kind == kShare {
			continue
		}
		v, err := r.value(s, p, doc, c)
		if err != nil {
			return nil, err
		}
		if name, renamed := c.renamed(); renamed {
			late = append(late, lateMember{name, r.transformed(c, v)})
			continue
		}
		if len(c.transforms) > 0 && p.kind != kValues {
			v = r.transformed(c, v)
		}
		if v == nil {
			continue
		}
		b = appendKey(b, start, p.name)
		if b, err = appendAny(b, v); err != nil {
			return nil, err
		}
	}
	for _, m := range late {
		if m.value == nil {
			continue
		}
		b = appendKey(b, start, m.name)
		if b, err = appendAny(b, m.value); err != nil {
			return nil, err
		}
	}
	if s.open {
		if b, err = r.openMembers(b, start, s, doc, n); err != nil {
			return nil, err
		}
	}
	if b, err = r.attributeMembers(b, start, s, doc, n); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// lateMember is renamed, and so printed after the others.
type lateMember struct {
	name  string
	value any
}

// renamed is the new name of a member.
func (n *node) renamed() (string, bool) {
	for i := len(n.transforms) - 1; i >= 0; i-- {
		if t := n.transforms[i]; t.name == "rename" && len(t.args) > 0 {
			return t.args[0], true
		}
	}
	return "", false
}

// openMembers appends what the table does not know of an open type.
func (r *renderer) openMembers(b []byte, start int, s *schema, doc document, n *node) ([]byte, error) {
	var names []string
	for k, v := range doc {
		if s.byName[k] != nil || v == nil || n.excludes[k] {
			continue
		}
		if n.all || n.includes[k] != nil || slices.ContainsFunc(n.presets, func(p string) bool { return p == "all" || p == "owner" || p == "persisted" }) {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	var err error
	for _, k := range names {
		b = appendKey(b, start, k)
		if b, err = appendAny(b, doc[k]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// nothingKnown reports whether only presets are asked that DHIS2 does not know; an
// object is then shown as if nothing were asked.
func (n *node) nothingKnown() bool {
	return len(n.order) == 0 && len(n.presets) > 0 && !slices.ContainsFunc(n.presets, func(p string) bool { return slices.Contains(knownPresets, p) })
}

var knownPresets = []string{"all", "identifiable", "nameable", "owner", "persisted", "simple"}

// attributeMembers appends the values of attributes that n names by uid.
func (r *renderer) attributeMembers(b []byte, start int, s *schema, doc document, n *node) ([]byte, error) {
	if s.byName["attributeValues"] == nil {
		return b, nil
	}
	for _, name := range n.order {
		if !dhis2.IsUID(name) || s.byName[name] != nil {
			continue
		}
		for _, v := range listOf(doc, "attributeValues") {
			m, _ := v.(map[string]any)
			if idOf(m["attribute"]) == name {
				var err error
				c, shown := n.includes[name], name
				if as, renamed := c.renamed(); renamed {
					shown = as
				}
				b = appendKey(b, start, shown)
				if b, err = appendAny(b, r.transformed(c, m["value"])); err != nil {
					return nil, err
				}
			}
		}
	}
	return b, nil
}

// value is a member's value as it is shown, nil for none.
func (r *renderer) value(s *schema, p *property, doc document, c *node) (any, error) {
	if p.calc && !(p.calcOwner && doc[p.name] != nil) {
		return r.calculated(s, p, doc, c)
	}
	if p.inverse != nil {
		return r.inverse(s, p, doc, c)
	}
	v := doc[p.name]
	switch p.kind {
	case kPassword:
		return nil, nil
	case kRef:
		return r.reference(p.item, v, c)
	case kRefs:
		return r.references(p, v, c)
	case kObjs:
		return r.embedded(p, v, c)
	case kShare:
		return r.sharing(doc, c)
	case kValues:
		return r.attributeValues(v, c)
	case kObj:
		if v != nil && len(c.order) > 0 {
			return pick(v, c), nil
		}
	}
	if v == nil && p.isCollection() {
		return []any{}, nil
	}
	if p.name == "translations" && len(c.order) > 0 {
		return pick(v, c), nil
	}
	return v, nil
}

// pick keeps the named members of an object, or of every object of a list.
func pick(v any, c *node) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range v {
			if n := c.includes[k]; n != nil {
				if len(n.order) > 0 {
					m = pick(m, n)
				}
				out[k] = m
			} else if len(c.presets) > 0 && !c.excludes[k] {
				out[k] = m
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = pick(v[i], c)
		}
		return out
	}
	return v
}

// reference shows one object: its uid, or the members that are asked for. A user is
// shown in five members whatever is asked (2.44, observed).
func (r *renderer) reference(item *schema, v any, c *node) (any, error) {
	uid := idOf(v)
	if uid == "" || r.excludeDefs && isDefault(uid) {
		return nil, nil
	}
	if item != nil && item.singular == "user" {
		return r.userReference(uid)
	}
	if c.all || item == nil || r.depth > maxRenderDepth || c.nothingKnown() {
		return id(uid), nil
	}
	o, err := load(r.ctx, r.q, item, uid)
	if errors.Is(err, errNoObject) {
		return id(uid), nil
	}
	if err != nil {
		return nil, err
	}
	return r.nested(item, o.doc, c)
}

func (r *renderer) nested(s *schema, doc document, c *node) (any, error) {
	b, err := r.object(nil, s, doc, c)
	if err != nil {
		return nil, err
	}
	return rawJSON(b), nil
}

// userReference is what is shown of a user; nil when there is none.
func (r *renderer) userReference(uid string) (any, error) {
	if u, ok := r.users[uid]; ok {
		return orNil(u), nil
	}
	o, err := load(r.ctx, r.q, r.s.cat.bySingular["user"], uid)
	var shown rawJSON
	switch {
	case errors.Is(err, errNoObject):
	case err != nil:
		return nil, err
	default:
		name := textOf(o.doc, "firstName") + " " + textOf(o.doc, "surname")
		shown = rawJSON(`{"id":"` + uid + `","code":`)
		for i, v := range []any{o.doc["code"], name, name, o.doc["username"]} {
			if i > 0 {
				shown = append(shown, []string{"", `,"name":`, `,"displayName":`, `,"username":`}[i]...)
			}
			if shown, err = appendAny(shown, v); err != nil {
				return nil, err
			}
		}
		shown = append(shown, '}')
	}
	if len(r.users) < maxKnown {
		r.users[uid] = shown
	}
	return orNil(shown), nil
}

func orNil(raw rawJSON) any {
	if raw == nil {
		return nil
	}
	return raw
}

func (r *renderer) references(p *property, v any, c *node) (any, error) {
	list, _ := v.([]any)
	out := make([]any, 0, len(list))
	for _, item := range list {
		shown, err := r.reference(p.item, item, c)
		if err != nil {
			return nil, err
		}
		if shown != nil {
			out = append(out, shown)
		}
	}
	return out, nil
}

// embedded shows objects that are part of the document.
func (r *renderer) embedded(p *property, v any, c *node) (any, error) {
	list, _ := v.([]any)
	if p.item == nil {
		if len(c.order) > 0 {
			return pick(any(orEmpty(list)), c), nil
		}
		return orEmpty(list), nil
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		d, _ := item.(map[string]any)
		n := c
		if c.all && c.preset != "" {
			n = &node{presets: []string{embeddedPreset(c.preset)}}
		}
		shown, err := r.nested(p.item, d, n)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func embeddedPreset(preset string) string {
	if preset == "owner" {
		return "owner"
	}
	return "all"
}

// inverse shows the objects that refer to this one.
func (r *renderer) inverse(s *schema, p *property, doc document, c *node) (any, error) {
	property := p.inverse.property
	if p.inverse.part != "" {
		property += "." + p.inverse.part
	}
	by, err := referrers(r.ctx, r.q, r.s.cat, s, textOf(doc, "id"), p.inverse.typ, property)
	if err != nil {
		return nil, err
	}
	slices.Reverse(by) // a set has no order; DHIS2 was seen to give the newest first
	out := make([]any, 0, len(by))
	for _, o := range by {
		var shown any
		switch {
		case p.inverse.part != "":
			shown, err = r.inversePart(s, p, o, textOf(doc, "id"), c)
		case o.typ.singular == "user":
			shown, err = r.userReference(o.uid)
		case c.all || r.depth > maxRenderDepth:
			shown = id(o.uid)
		default:
			shown, err = r.nested(o.typ, o.doc, c)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func (r *renderer) inversePart(s *schema, p *property, o *object, uid string, c *node) (any, error) {
	for _, v := range listOf(o.doc, p.inverse.property) {
		d, _ := v.(map[string]any)
		if idOf(d[p.inverse.part]) == uid {
			return r.nested(p.item, d, c)
		}
	}
	return nil, nil
}

// sharing shows who may do what, with the names of users and groups.
func (r *renderer) sharing(doc document, c *node) (any, error) {
	sh := sharingOf(doc)
	out := map[string]any{}
	for k, v := range sh {
		if k == "users" || k == "userGroups" {
			typ := "user"
			if k == "userGroups" {
				typ = "userGroup"
			}
			m, _ := v.(map[string]any)
			shown := map[string]any{}
			for uid, a := range m {
				name, err := r.nameOf(typ, uid)
				if err != nil {
					return nil, err
				}
				shown[uid] = map[string]any{"displayName": name, "access": accessOf(a), "id": uid}
			}
			v = shown
		}
		if k != "external" {
			out[k] = v
		}
	}
	for _, k := range []string{"users", "userGroups"} {
		if out[k] == nil {
			out[k] = map[string]any{}
		}
	}
	if len(c.order) > 0 {
		return pick(out, c), nil
	}
	return out, nil
}

// nameOf is the name of an object, nil if there is none.
func (r *renderer) nameOf(typ, uid string) (any, error) {
	key := typ + " " + uid
	if n, ok := r.names[key]; ok {
		return n, nil
	}
	s := r.s.cat.bySingular[typ]
	if s == nil {
		return nil, nil
	}
	o, err := load(r.ctx, r.q, s, uid)
	if errors.Is(err, errNoObject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := nameOf(s, o.doc)
	if len(r.names) < maxKnown {
		r.names[key] = n
	}
	return n, nil
}

func (r *renderer) attributeValues(v any, c *node) (any, error) {
	list, _ := v.([]any)
	if c.all {
		return orEmptyValues(list), nil
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		m, _ := item.(map[string]any)
		shown := map[string]any{}
		for _, k := range c.order {
			if k == "attribute" {
				a, err := r.reference(r.s.cat.bySingular["attribute"], m["attribute"], c.includes[k])
				if err != nil {
					return nil, err
				}
				shown[k] = a
			} else if m[k] != nil {
				shown[k] = m[k]
			}
		}
		out = append(out, shown)
	}
	return out, nil
}

func orEmptyValues(list []any) any { return orEmpty(list) }

// transformed applies a member's transformers in their order (rename apart).
func (r *renderer) transformed(c *node, v any) any {
	for _, t := range c.transforms {
		switch t.name {
		case "size":
			v = json.Number(strconv.Itoa(sizeOf(v)))
		case "isEmpty":
			v = sizeOf(v) == 0
		case "isNotEmpty":
			v = sizeOf(v) != 0
		case "pluck":
			v = pluck(v, t.args)
		case "keyBy":
			v = keyBy(v, t.args)
		}
	}
	return v
}

func sizeOf(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	case string:
		return len([]rune(v))
	}
	return 0
}

// plain parses what is printed already.
func plain(v any) any {
	if raw, ok := v.(rawJSON); ok {
		if p, err := parseAny(raw); err == nil {
			return p
		}
	}
	return v
}

func pluck(v any, args []string) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	name := "id"
	if len(args) > 0 {
		name = args[0]
	}
	out := make([]any, len(list))
	for i, item := range list {
		m, _ := plain(item).(map[string]any)
		if m[name] == nil {
			return v
		}
		out[i] = m[name]
	}
	return out
}

func keyBy(v any, args []string) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	name := "id"
	if len(args) > 0 {
		name = args[0]
	}
	out := map[string]any{}
	for _, item := range list {
		m, _ := plain(item).(map[string]any)
		key, ok := m[name].(string)
		if !ok {
			continue
		}
		switch same := out[key].(type) { // one is given bare, several as a list
		case nil:
			out[key] = m
		case []any:
			out[key] = append(same, m)
		default:
			out[key] = []any{same, m}
		}
	}
	return out
}

// href is an object's address.
func (r *renderer) href(s *schema, uid string) any {
	if s.endpoint == "" {
		return nil
	}
	return r.base + "/api" + s.endpoint + "/" + uid
}

// calculated is a member that is worked out.
func (r *renderer) calculated(s *schema, p *property, doc document, c *node) (any, error) {
	uid := textOf(doc, "id")
	if p.constant != "" {
		return p.constant, nil
	}
	if short, ok := strings.CutPrefix(p.name, "display"); ok && short != "" {
		name := strings.ToLower(short[:1]) + short[1:]
		if r.locale != "" {
			if t := translated(doc, name, r.locale); t != "" {
				return t, nil
			}
			if t := translated(doc, snakeCase(name), r.locale); t != "" {
				return t, nil
			}
		}
		return displayed(s, doc, name), nil
	}
	switch p.name {
	case "access":
		return r.access(s, doc, c), nil
	case "ancestors":
		return r.ancestors(s, doc, c)
	case "objectTypes":
		return objectTypes(s, doc), nil
	case "user":
		return r.userReference(idOf(doc["createdBy"]))
	case "href":
		if r.export {
			return nil, nil
		}
		return r.href(s, uid), nil
	case "dimensionItem", "dimension":
		return uid, nil
	case "optionSetValue":
		return doc["optionSet"] != nil, nil
	case "itemCount":
		return json.Number(strconv.Itoa(len(listOf(doc, "dashboardItems")))), nil
	case "favorite":
		return slices.Contains(listOf(doc, "favorites"), any(r.user.UID)), nil
	case "subscribed":
		return slices.Contains(listOf(doc, "subscribers"), any(r.user.UID)), nil
	case "isDefault":
		return textOf(doc, "name") == "default", nil
	case "level":
		return json.Number(strconv.Itoa(strings.Count(textOf(doc, "path"), "/"))), nil
	case "leaf":
		kids, err := referrers(r.ctx, r.q, r.s.cat, s, uid, s, "parent")
		return len(kids) == 0, err
	case "formType":
		return formType(doc), nil
	case "registration", "withoutRegistration":
		return (textOf(doc, "programType") == "WITH_REGISTRATION") == (p.name == "registration"), nil
	case "name":
		return nameOfMember(r, s, doc)
	case "shortName":
		return doc["name"], nil
	case "columns", "rows", "filters":
		axis := unfoldAxis(doc, p.name, func(member, uid string) string {
			n, err := r.nameOf(member, uid)
			name, _ := n.(string)
			if err != nil {
				return ""
			}
			return name
		})
		if len(c.order) > 0 {
			return pick(any(axis), c), nil
		}
		return axis, nil
	case "items":
		return r.references(s.byName["categoryOptions"], doc["categoryOptions"], c)
	}
	if p.isCollection() {
		return []any{}, nil
	}
	if p.kind == kValues {
		return []any{}, nil
	}
	return nil, nil
}

// ancestors are the units above, the highest first.
func (r *renderer) ancestors(s *schema, doc document, c *node) (any, error) {
	uids := strings.Split(strings.Trim(textOf(doc, "path"), "/"), "/")
	out := []any{}
	for _, uid := range uids[:len(uids)-1] {
		v, err := r.reference(s, id(uid), c)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// objectTypes are the types that an attribute is assigned to: DATA_ELEMENT.
func objectTypes(s *schema, doc document) any {
	out := []any{}
	for _, p := range s.properties {
		if name, ok := strings.CutSuffix(p.name, "Attribute"); ok && boolOf(doc, p.name) {
			out = append(out, snakeCase(name))
		}
	}
	return out
}

// nameOfMember is a name that is worked out: of a user, or of what an embedded
// object refers to.
func nameOfMember(r *renderer, s *schema, doc document) (any, error) {
	if s.singular == "user" {
		return textOf(doc, "firstName") + " " + textOf(doc, "surname"), nil
	}
	return nil, nil
}

func (r *renderer) access(s *schema, doc document, c *node) any {
	a := s.access(r.user, doc)
	if len(c.order) > 0 {
		return pick(a, c)
	}
	return a
}

// displayed is a member in the language of the answer, which is the database's: the
// member itself.
func displayed(s *schema, doc document, name string) any {
	switch name {
	case "name":
		if s.singular == "user" {
			return textOf(doc, "firstName") + " " + textOf(doc, "surname")
		}
	case "formName":
		if textOf(doc, "formName") == "" {
			return doc["name"]
		}
	case "shortName":
		if textOf(doc, "shortName") == "" {
			return doc["name"]
		}
	}
	return doc[name]
}

func formType(doc document) any {
	form := doc["dataEntryForm"]
	switch {
	case form != nil:
		return "CUSTOM"
	case len(listOf(doc, "sections")) > 0:
		return "SECTION"
	}
	return "DEFAULT"
}
