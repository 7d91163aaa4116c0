package metadata

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

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
