package metadata

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// schemaActions are the paths below /schemas.
func (c *request) schemaActions() actions {
	switch len(c.seg) {
	case 1:
		return actions{http.MethodGet: c.json(c.schemaList)}
	case 2:
		return actions{http.MethodGet: c.json(c.schemaOne), http.MethodPost: c.json(c.schemaValidate), http.MethodPut: c.json(c.schemaValidate)}
	case 3:
		return actions{http.MethodGet: c.json(c.schemaProperty)}
	}
	return nil
}

// schemaNamed finds a type by its singular name.
func (c *request) schemaNamed() (*schema, error) {
	s := c.s.cat.bySingular[c.seg[1]]
	if s == nil || s.internal {
		return nil, problem.NotFound("Type %s does not exist.", c.seg[1])
	}
	return s, nil
}

func (c *request) schemaList() error {
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	b := []byte(`{"schemas":[`)
	first := true
	for _, s := range c.s.cat.schemas {
		if s.internal {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, err = appendSelected(b, c.describeSchema(s, n), n); err != nil {
			return err
		}
	}
	return c.tagged(append(b, "]}"...))
}

func (c *request) schemaOne() error {
	s, err := c.schemaNamed()
	if err != nil {
		return err
	}
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	b, err := appendSelected(nil, c.describeSchema(s, n), n)
	if err != nil {
		return err
	}
	return c.tagged(b)
}

func (c *request) schemaProperty() error {
	s, err := c.schemaNamed()
	if err != nil {
		return err
	}
	p := s.byName[c.seg[2]]
	if p == nil {
		return problem.NotFound("Property %s does not exist on type %s.", c.seg[2], s.singular)
	}
	b, err := appendSelected(nil, c.describeProperty(s, p), &node{presets: []string{"all"}})
	if err != nil {
		return err
	}
	return c.tagged(b)
}

// schemaValidate is POST and PUT /schemas/type: the body against the type.
func (c *request) schemaValidate() error {
	s, err := c.schemaNamed()
	if err != nil {
		return err
	}
	in, _, err := c.jsonObject(s.className())
	if err != nil {
		return err
	}
	doc, err := s.coerce(in)
	if err != nil {
		return err
	}
	b := &bundle{s: c.s}
	b.fill(s, doc)
	errs := s.validate(doc)
	if errs == nil {
		errs = []errorReport{}
	}
	r := map[string]any{"errorReports": errs, "responseType": "ErrorReports"}
	if len(errs) > 0 {
		return c.message(dhis2.NewMessage(http.StatusBadRequest, dhis2.StatusError, "").WithResponse(r))
	}
	return c.message(dhis2.OK("").WithResponse(r))
}

// pair is a member in its order.
type pair struct {
	name  string
	value any
}

// appendSelected prints the members that n asks for, one level of nesting deep.
func appendSelected(b []byte, members []pair, n *node) ([]byte, error) {
	b = append(b, '{')
	start := len(b)
	for _, m := range members {
		if m.value == nil || n.excludes[m.name] {
			continue
		}
		f := n.includes[m.name]
		if f == nil && !n.all && len(n.presets) == 0 {
			continue
		}
		var err error
		b = appendKey(b, start, m.name)
		if list, ok := m.value.([][]pair); ok {
			if f == nil || f.all {
				f = &node{presets: []string{"all"}}
			}
			b = append(b, '[')
			for i, item := range list {
				if i > 0 {
					b = append(b, ',')
				}
				if b, err = appendSelected(b, item, f); err != nil {
					return nil, err
				}
			}
			b = append(b, ']')
			continue
		}
		if b, err = appendAny(b, m.value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func orNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// describeSchema is what /schemas says of a type.
func (c *request) describeSchema(s *schema, n *node) []pair {
	var api any
	if s.endpoint != "" {
		api = c.base() + "/api" + s.endpoint
	}
	subscribable := s.byName["subscribers"] != nil
	out := []pair{
		{"klass", s.className()}, {"identifiableObject", s.identifiable()}, {"nameableObject", s.nameable()}, {"singular", s.singular}, {"plural", s.plural},
		{"metadata", s.metadata}, {"secondaryMetadata", false}, {"name", s.name}, {"displayName", s.displayName()}, {"collectionName", orNone(s.collection)},
		{"shareable", s.shareable}, {"dataShareable", s.dataShareable}, {"relativeApiEndpoint", orNone(s.endpoint)}, {"apiEndpoint", api},
		{"href", c.base() + "/api/schemas/" + s.singular}, {"persisted", s.metadata}, {"defaultPrivate", s.defaultPrivate},
		{"implicitPrivateAuthority", s.implicitPrivate}, {"order", json.Number(javaInt(s.order))}, {"subscribable", subscribable}, {"translatable", s.translatable},
		{"favoritable", s.favoritable},
	}
	auths := make([][]pair, 0, len(s.authorities))
	for _, a := range s.authorities {
		names := make([]any, len(a.names))
		for i := range a.names {
			names[i] = a.names[i]
		}
		auths = append(auths, []pair{{"type", a.typ}, {"authorities", names}})
	}
	out = append(out, pair{"authorities", auths})
	if n.includes["properties"] != nil || n.all || len(n.presets) > 0 {
		props := make([][]pair, 0, len(s.properties))
		for _, p := range s.properties {
			if p.listed(s) {
				props = append(props, c.describeProperty(s, p))
			}
		}
		out = append(out, pair{"properties", props})
	}
	return out
}

func javaInt(n int) string { return rawInt(float64(n)) }

// listed reports whether /schemas shows the member: users of a group and
// organisation units of another type are there, collections of values too.
func (p *property) listed(s *schema) bool {
	return p.kind != kPassword
}

// propertyType is the member's kind in DHIS2's words.
func (p *property) propertyType() string {
	switch p.kind {
	case kIdent:
		return "IDENTIFIER"
	case kBool:
		return "BOOLEAN"
	case kInt:
		return "INTEGER"
	case kNum:
		return "NUMBER"
	case kDate:
		return "DATE"
	case kURL:
		return "URL"
	case kEmail:
		return "EMAIL"
	case kPassword:
		return "PASSWORD"
	case kEnum:
		return "CONSTANT"
	case kRef:
		return "REFERENCE"
	case kRefs, kObjs, kTexts, kInts:
		return "COLLECTION"
	case kObj, kShare, kValues:
		return "COMPLEX"
	}
	if p.constant != "" || p.name == "formType" {
		return "CONSTANT"
	}
	return "TEXT"
}

// bounds are length, min and max as DHIS2 gives them, nil for none.
func (p *property) bounds() (length, low, high any) {
	stored := p.owner() && p.inverse == nil
	num := func(f float64) any { return json.Number(javaDouble(f)) }
	switch p.propertyType() {
	case "COLLECTION":
		low, high = num(0), num(math.MaxFloat64)
		if p.complex || p.kind == kTexts {
			length, high = json.Number("255"), num(255)
		}
	case "COMPLEX":
		low, high = num(0), num(math.MaxFloat64)
		if stored {
			length, high = json.Number("255"), num(255)
		}
	case "DATE", "BOOLEAN", "REFERENCE":
		if stored && !(p.kind == kBool && strings.HasSuffix(p.name, "Attribute")) {
			length = json.Number("255")
		}
	case "CONSTANT":
		if stored {
			length = json.Number("50")
		}
	case "INTEGER":
		length, low, high = json.Number("2147483647"), num(math.MinInt32), num(math.MaxInt32)
	case "NUMBER":
		length, low, high = json.Number("2147483647"), num(-math.MaxFloat64), num(math.MaxFloat64)
		if !math.IsNaN(p.min) {
			low = num(p.min)
		}
	case "URL":
		low, high = num(0), num(math.MaxFloat64)
	case "TEXT", "IDENTIFIER", "EMAIL":
		length, low, high = p.textBounds(stored)
	}
	return length, low, high
}

func (p *property) textBounds(stored bool) (length, low, high any) {
	num := func(f float64) any { return json.Number(javaDouble(f)) }
	if p.calc && !p.writable {
		return nil, nil, nil
	}
	top, bottom := p.max, p.min
	if math.IsNaN(top) {
		top = math.MaxInt32
		if p.kind == kPeriodType {
			top = 255
		}
	}
	if math.IsNaN(bottom) {
		bottom = 0
	}
	if stored {
		length = json.Number(rawInt(top))
	}
	return length, num(bottom), num(top)
}

// describeProperty is what /schemas says of a member.
func (c *request) describeProperty(s *schema, p *property) []pair {
	typ := p.propertyType()
	length, low, high := p.bounds()
	collection := p.isCollection()
	owner := p.owner() && !p.ownerUID
	persisted := p.owner() || p.inverse != nil || p.persisted
	writable := !p.calc || p.writable || p.persisted
	klass := p.class()
	if collection {
		klass = "java.util.Set"
		if p.ordered || p.kind == kObjs && !p.complex {
			klass = "java.util.List"
		}
	}
	var namespace any = "http://dhis2.org/schema/dxf/2.0"
	if p.attribute {
		namespace = nil
	}
	var itemKlass, itemType, collectionName, wrapping any
	if collection && p.item != nil {
		itemKlass, itemType = p.item.className(), "REFERENCE"
		collectionName, wrapping = p.name, true
	}
	name := p.singular
	translatable := p.name == "name" && s.translatable || (p.name == "shortName" || p.name == "description" || p.name == "formName") && s.translatable
	var key, i18n any
	if translatable {
		key, i18n = snakeCase(p.name), snakeLower(p.name)
	}
	manyToMany := p.kind == kRefs
	manyToOne := p.kind == kRef
	var cascade, owning, inverse, href, relative, api any
	if (manyToMany || manyToOne) && p.item != nil {
		cascade = "none"
		owning = s.className() + "." + p.field
		if p.inverse != nil {
			other := p.inverse.typ.byName[p.inverse.property]
			field := p.inverse.property
			if other != nil {
				field = other.field
			}
			owning, inverse = p.inverse.typ.className()+"."+field, s.className()+"."+p.field
		}
		href = c.base() + "/api/schemas/" + p.item.singular
		if p.item.endpoint != "" {
			relative, api = p.item.endpoint, c.base()+"/api"+p.item.endpoint
		}
	}
	var constants any
	if p.enum != nil {
		list := make([]any, len(p.enum.values))
		for i := range p.enum.values {
			list[i] = p.enum.values[i]
		}
		constants = list
	}
	return []pair{
		{"klass", klass}, {"propertyType", typ}, {"itemKlass", itemKlass}, {"itemPropertyType", itemType}, {"name", name}, {"fieldName", p.field},
		{"persisted", persisted}, {"collectionName", collectionName}, {"collectionWrapping", wrapping}, {"description", orNone(p.description)}, {"namespace", namespace},
		{"attribute", p.attribute}, {"simple", p.simple() && !(p.calcOwner && p.name == "level") || p.constant != "" || p.name == "formType"}, {"collection", collection}, {"ordered", p.ordered && collection},
		{"owner", owner}, {"identifiableObject", p.item != nil && p.item.identifiable() && (manyToMany || manyToOne)},
		{"nameableObject", manyToMany && p.item != nil && p.item.nameable()}, {"embeddedObject", false}, {"analyticalObject", false}, {"readable", true},
		{"writable", writable}, {"unique", p.unique}, {"required", p.required}, {"length", length}, {"max", high}, {"min", low}, {"cascade", cascade},
		{"manyToMany", manyToMany}, {"oneToOne", false}, {"manyToOne", manyToOne}, {"oneToMany", false}, {"owningRole", owning}, {"inverseRole", inverse},
		{"constants", constants}, {"href", href}, {"relativeApiEndpoint", relative}, {"apiEndpoint", api}, {"translatable", translatable},
		{"translationKey", key}, {"i18nTranslationKey", i18n},
		{"gistPreferences", rawJSON(`{"included":"AUTO","transformation":"AUTO"}`)}, {"sortable", p.simple() && persisted}, {"propertyTransformer", false},
	}
}

// snakeLower turns shortName into short_name.
func snakeLower(name string) string { return strings.ToLower(snakeCase(name)) }
