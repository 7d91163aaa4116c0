package dhis2

import (
	"encoding/json"
	"slices"
	"strconv"
)

// autoField is a field of the gist endpoint: references are shown as their uid,
// collections as their size (or as uids with ::ids), each with an address under
// apiEndpoints.
type autoField struct {
	property *Property
	ids      bool
}

// autoFields are the fields that need the gist endpoint's own form: references and
// lists without fields inside. One whole object shows uids, a list shows sizes.
func autoFields(fields []FieldPath, s *Schema, one bool) []autoField {
	var out []autoField
	for _, f := range fields {
		p := s.Property(f.Name)
		if p == nil || len(f.Parents) > 0 || p.Simple || p.Embedded || p.Type == TypeComplex || hasChildren(fields, f.Name) {
			continue
		}
		ids := slices.ContainsFunc(f.Transformers, func(t Transformer) bool { return t.Name == "ids" })
		out = append(out, autoField{p, ids || one && p.IsReference()})
	}
	return out
}

func hasChildren(fields []FieldPath, name string) bool {
	return slices.ContainsFunc(fields, func(f FieldPath) bool { return len(f.Parents) > 0 && f.Parents[0] == name })
}

// expandGist puts the fields of the gist endpoint in the place of presets: what is
// stored, plain values first, without createdBy, translations and embedded objects.
func expandGist(fields []FieldPath, s *Schema) []FieldPath {
	if !slices.ContainsFunc(fields, func(f FieldPath) bool { return f.Preset && len(f.Parents) == 0 }) {
		return fields
	}
	named := map[string]bool{"createdBy": true, "translations": true}
	for _, f := range fields {
		if len(f.Parents) == 0 && !f.Preset {
			named[f.Name] = true
		}
	}
	fields = slices.DeleteFunc(slices.Clone(fields), func(f FieldPath) bool { return f.Preset || f.Exclude })
	for _, simple := range []bool{true, false} {
		for i := range s.Properties {
			p := &s.Properties[i]
			if p.Persisted && p.Simple == simple && !named[p.Name] && (simple || !p.Embedded && p.Type != TypeComplex) {
				fields = append(fields, FieldPath{Name: p.Name})
			}
		}
	}
	return fields
}

// gistItem is one object as …/gist shows it.
func (q *ListQuery) gistItem(o *Object, docs Documents) (*Object, error) {
	return gistObject(o, q.schema, q.projection, q.auto, docs)
}

func gistObject(o *Object, s *Schema, p *Projection, auto []autoField, docs Documents) (*Object, error) {
	item, err := p.ApplyAsked(o, docs)
	if err != nil {
		return nil, err
	}
	endpoints := &Object{}
	for _, a := range auto {
		v, err := docs.Value(s, o, a.property)
		if err != nil {
			return nil, err
		}
		if a.property.IsReference() {
			endpoints.Set(a.property.Name, "/api"+s.Endpoint+"/"+o.Text("id")+"/"+a.property.Name+"/gist")
		}
		item.Delete(a.property.Name)
		if short := a.short(v); short != nil {
			item.Set(a.property.Name, short)
		}
	}
	if len(endpoints.Members) > 0 {
		item.Set("apiEndpoints", endpoints)
	}
	return item, nil
}

// short is a reference's uid, a collection's size, or its uids.
func (a autoField) short(v any) any {
	switch v := v.(type) {
	case *Object:
		return v.Text("id")
	case []any:
		if !a.ids {
			return json.Number(strconv.Itoa(len(v)))
		}
		return pluck(v, "id")
	}
	return nil
}

// GistOne is the answer to …/<uid>/gist: one object in the gist endpoint's form.
func GistOne(fieldParams []string, o *Object, s *Schema, all Schemas, docs Documents) (*Object, error) {
	q := ListQuery{schema: s, one: true, req: ListRequest{Query: map[string][]string{"fields": fieldParams}, GistEndpoint: true}}
	if err := q.readGist(all); err != nil {
		return nil, err
	}
	return q.gistItem(o, docs)
}
