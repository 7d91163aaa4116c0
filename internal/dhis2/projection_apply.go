package dhis2

import "slices"

// DefaultUIDs are the default category option, category, combination and option
// combination, which every DHIS2 makes under these uids.
var defaultUIDs = []string{"xYerKDKCefk", "GLevLNI9wkl", "bjDvmb4bfuf", "HllvX50cXC0"}

// IsDefault reports whether uid is one of DHIS2's default category objects.
func IsDefault(uid string) bool { return slices.Contains(defaultUIDs, uid) }

// Apply picks the fields of an object. Members stand in the order of the schema,
// renamed ones at the end; members without a value are left out.
func (p *Projection) Apply(o *Object, docs Documents) (*Object, error) {
	a := applier{docs: docs, noDefaults: p.NoDefaults}
	return a.object(p, o, p.fields)
}

// ApplyAsked is Apply with the members in the order in which they were asked for,
// and with user references cut to what was asked inside, as the Gist engine does.
func (p *Projection) ApplyAsked(o *Object, docs Documents) (*Object, error) {
	a := applier{docs: docs, noDefaults: p.NoDefaults, asked: true}
	return a.object(p, o, p.order)
}

type applier struct {
	docs       Documents
	noDefaults bool
	asked      bool
}

func (a *applier) object(p *Projection, o *Object, fields []field) (*Object, error) {
	out := &Object{Members: make([]Member, 0, len(fields))}
	var renamed []Member
	for i := range fields {
		f := &fields[i]
		if f.name == "*" && f.property == nil {
			a.whole(out, o)
			continue
		}
		v, err := a.value(p, o, f)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		v, name := transform(f, v)
		switch {
		case name == f.name:
			out.Members = append(out.Members, Member{name, v})
		case a.asked:
			out.Set(name, v)
		default:
			renamed = append(renamed, Member{name, v})
		}
	}
	for _, m := range renamed {
		out.Set(m.Name, m.Value)
	}
	return out, nil
}

// whole copies the members of an object that no schema describes.
func (a *applier) whole(out, o *Object) {
	for _, m := range o.Members {
		if _, there := out.Get(m.Name); !there {
			out.Members = append(out.Members, m)
		}
	}
}

func (a *applier) value(p *Projection, o *Object, f *field) (any, error) {
	switch {
	case f.attribute:
		return attributeValue(o, f.name), nil
	case f.property == nil:
		v, _ := o.Get(f.name)
		return a.nested(f, v)
	}
	v, err := a.docs.Value(p.schema, o, f.property)
	if err != nil || v == nil {
		return nil, err
	}
	return a.nested(f, v)
}

// attributeValue finds the value of an attribute by its uid; nil if there is none.
func attributeValue(o *Object, uid string) any {
	for _, v := range o.List("attributeValues") {
		av, _ := v.(*Object)
		attribute, _ := av.Get("attribute")
		if ref, ok := attribute.(*Object); ok && ref.Text("id") == uid {
			value, _ := av.Get("value")
			return value
		}
	}
	return nil
}

// nested picks inside an object or the objects of a list.
func (a *applier) nested(f *field, v any) (any, error) {
	switch v := v.(type) {
	case *Object:
		return a.member(f, v)
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			o, ok := item.(*Object)
			if !ok {
				out = append(out, item)
				continue
			}
			picked, err := a.member(f, o)
			if err != nil {
				return nil, err
			}
			if picked != nil {
				out = append(out, picked)
			}
		}
		return out, nil
	}
	return v, nil
}

// member picks inside one object of a field: a reference is {id} unless more is
// asked, a single user is always shown whole (DHIS2 2.44, observed).
func (a *applier) member(f *field, o *Object) (any, error) {
	if f.property == nil || !f.property.IsReference() {
		if f.sub == nil {
			return o, nil
		}
		return a.object(f.sub, o, a.fields(f.sub))
	}
	uid := o.Text("id")
	if a.noDefaults && IsDefault(uid) {
		return nil, nil
	}
	if f.property.Type == TypeReference && f.property.Item == "user" && (!a.asked || f.sub == nil) {
		return o, nil
	}
	if f.sub == nil {
		return &Object{Members: []Member{{"id", uid}}}, nil
	}
	if f.sub.onlyID() {
		return a.object(f.sub, o, a.fields(f.sub))
	}
	whole, err := a.docs.Object(f.property.Item, uid)
	if err != nil {
		return nil, err
	}
	if whole == nil {
		whole = o
	}
	return a.object(f.sub, whole, a.fields(f.sub))
}

func (a *applier) fields(p *Projection) []field {
	if a.asked {
		return p.order
	}
	return p.fields
}

// onlyID reports whether nothing but the id is asked, which the reference holds.
func (p *Projection) onlyID() bool { return len(p.order) == 1 && p.order[0].name == "id" }
