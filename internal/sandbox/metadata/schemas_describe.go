package metadata

import (
	"encoding/json"
	"strings"
)

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
