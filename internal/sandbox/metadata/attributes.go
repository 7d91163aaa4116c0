package metadata

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// This file checks the values of attributes that users define (DHIS2 2.44
// MandatoryAttributesCheck, UniqueAttributesCheck, AttributeValidator).

// attributeFlag is the member of an attribute that assigns it to the type.
func (s *schema) attributeFlag() string { return s.singular + "Attribute" }

// assigned reports whether an attribute may be used on the type.
func (s *schema) assigned(attribute document) bool {
	if boolOf(attribute, s.attributeFlag()) {
		return true
	}
	return slices.Contains(listOf(attribute, "objectTypes"), any(snakeCase(s.singular)))
}

// snakeCase turns dataElement into DATA_ELEMENT.
func snakeCase(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// attribute finds an attribute in the payload or in the database, nil if there is none.
func (b *bundle) attribute(ctx context.Context, uid string) (document, error) {
	typ := b.s.cat.bySingular["attribute"]
	if b.g.has(typ, uid) {
		t := b.g.types[typ]
		return b.g.decode(t, t.byUID[uid])
	}
	o, err := load(ctx, b.tx, typ, uid)
	if err == errNoObject {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return o.doc, nil
}

// mandatories lists the attributes that every object of the type must have.
func (b *bundle) mandatories(ctx context.Context, s *schema) ([]*object, error) {
	if list, ok := b.mandatory[s]; ok {
		return list, nil
	}
	typ := b.s.cat.bySingular["attribute"]
	var list []*object
	err := each(ctx, b.tx, typ, "", nil, func(o *object) error {
		if boolOf(o.doc, "mandatory") && s.assigned(o.doc) {
			list = append(list, o)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.mandatory[s] = list
	return list, nil
}

func (b *bundle) checkAttributes(ctx context.Context, s *schema, it *staged, doc document) ([]errorReport, error) {
	if p := s.byName["attributeValues"]; p == nil || p.calc {
		return nil, nil
	}
	var errs []errorReport
	given := map[string]string{}
	for _, v := range listOf(doc, "attributeValues") {
		m, _ := v.(map[string]any)
		given[idOf(m["attribute"])] = textOf(m, "value")
	}
	must, err := b.mandatories(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, a := range must {
		if given[a.uid] == "" {
			errs = append(errs, attributeError("attribute.Attribute", "E4011", "Attribute `%s` is required, but no value was found", a.uid).about(a.uid))
		}
	}
	for _, v := range listOf(doc, "attributeValues") {
		m, _ := v.(map[string]any)
		more, err := b.checkAttributeValue(ctx, s, it, doc, idOf(m["attribute"]), textOf(m, "value"))
		if err != nil {
			return nil, err
		}
		errs = append(errs, more...)
	}
	return errs, nil
}

func attributeError(klass, code, format string, args ...any) errorReport {
	e := report(nil, code, format, args...)
	e.MainKlass = "org.hisp.dhis." + klass
	return e
}

// about names the attribute whose value is wrong.
func (e errorReport) about(uid string) errorReport {
	e.MainID, e.ErrorProperty = uid, "value"
	return e
}

func (b *bundle) checkAttributeValue(ctx context.Context, s *schema, it *staged, doc document, uid, value string) ([]errorReport, error) {
	a, err := b.attribute(ctx, uid)
	if err != nil {
		return nil, err
	}
	if a == nil {
		b.failed = true
		return []errorReport{
			report(s, "E5002", "Invalid reference %s on object %s for association `%s`", uid, b.label(s, doc), "attributeValues"),
			attributeError("attribute.Attribute", "E6012", "Attribute `%s` is not assigned to `%s`", uid, s.simpleName()),
		}, nil
	}
	if !s.assigned(a) {
		return []errorReport{attributeError("attribute.Attribute", "E6012", "Attribute `%s` is not assigned to `%s`", uid, s.simpleName())}, nil
	}
	if value == "" {
		return nil, nil
	}
	if textOf(a, "valueType") == "GEOJSON" && !isGeoJSON(value) {
		return []errorReport{attributeError("attribute.Attribute", "E6004", "Attribute `%s` has invalid GeoJSON value", uid).about(uid)}, nil
	}
	if e, wrong := attributeType(textOf(a, "valueType"), value); wrong {
		return []errorReport{e}, nil
	}
	if !boolOf(a, "unique") {
		return nil, nil
	}
	holder, err := b.holder(ctx, s, "@"+uid, value, it)
	if err != nil {
		return nil, err
	}
	b.claimFirst(s, "@"+uid, value, it.uid)
	if holder == "" {
		return nil, nil
	}
	return []errorReport{attributeError("attribute.Attribute", "E4009", "Attribute `%s` is unique, and value `%s` already exist", textOf(a, "name"), value).about(uid)}, nil
}

func (b *bundle) claimFirst(s *schema, property, value, uid string) {
	if b.values[s.singular+"."+property][value] == "" {
		b.claim(s, property, value, uid)
	}
}

// isGeoJSON reports whether a value is a geometry with coordinates.
func isGeoJSON(value string) bool {
	var g struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
		Geometries  json.RawMessage `json:"geometries"`
	}
	return json.Unmarshal([]byte(value), &g) == nil && g.Type != "" && (len(g.Coordinates) > 0 || len(g.Geometries) > 0)
}

// attributeType checks a value against the attribute's value type: E6006 to E6008.
func attributeType(valueType, value string) (errorReport, bool) {
	wrong := func(code, what string) (errorReport, bool) {
		return attributeError("attribute.AttributeValues", code, "AttributeValue `%s` is an invalid "+what+" value", value), true
	}
	n, intErr := strconv.ParseInt(value, 10, 32)
	switch valueType {
	case "INTEGER":
		if intErr != nil {
			return wrong("E6006", "integer")
		}
	case "INTEGER_POSITIVE":
		if intErr != nil || n <= 0 {
			return wrong("E6007", "positive integer")
		}
	case "INTEGER_NEGATIVE":
		if intErr != nil || n >= 0 {
			return wrong("E6013", "negative integer")
		}
	case "INTEGER_ZERO_OR_POSITIVE":
		if intErr != nil || n < 0 {
			return wrong("E6009", "zero or positive integer")
		}
	case "NUMBER", "PERCENTAGE", "UNIT_INTERVAL":
		if f, err := json.Number(value).Float64(); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return wrong("E6008", "number")
		}
	case "BOOLEAN":
		if value != "true" && value != "false" {
			return wrong("E6016", "boolean")
		}
	case "TRUE_ONLY":
		if value != "true" {
			return wrong("E6017", "true")
		}
	case "DATE", "DATETIME":
		if _, ok := parseDate(value); !ok {
			return wrong("E6014", "date")
		}
	case "EMAIL":
		if !isEmail(value) {
			return wrong("E6018", "email")
		}
	}
	return errorReport{}, false
}
