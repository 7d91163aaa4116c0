package dhis2

import "slices"

// Projection is a fields expression made ready for the objects of one schema. It
// is safe for concurrent use.
type Projection struct {
	schema *Schema
	all    Schemas
	fields []field // in the order of the schema's properties
	order  []field // in the order in which they were asked for
	// NoDefaults leaves out references to the default category objects
	// (defaults=EXCLUDE).
	NoDefaults bool
}

// field is one member of the result.
type field struct {
	name         string
	property     *Property // nil for members that the schema does not know
	attribute    bool      // name is the uid of an attribute
	sub          *Projection
	transformers []Transformer
}

// presets are the named sets of fields of FieldPathHelper and Preset.java that do
// not hang on the kind of a property.
var presets = map[string][]string{
	"identifiable": {"id", "name", "code", "created", "lastUpdated", "lastUpdatedBy"},
	"nameable":     {"id", "name", "shortName", "description", "code", "created", "lastUpdated"},
}

// NewProjection makes fields ready for objects of schema s. With a nil schema the
// documents alone say what there is.
func NewProjection(fields []FieldPath, s *Schema, all Schemas) *Projection {
	return project(fields, 0, s, all)
}

// project builds the projection of the items whose parents end at depth; fields
// holds one level and all that is below it.
func project(fields []FieldPath, depth int, s *Schema, all Schemas) *Projection {
	b := builder{p: &Projection{schema: s, all: all}, at: map[string]int{}, excluded: map[string]bool{}}
	for _, f := range fields {
		if f.Exclude && len(f.Parents) == depth {
			b.excluded[f.Name] = true
		}
	}
	for _, f := range fields {
		switch {
		case len(f.Parents) != depth || f.Exclude:
		case f.Preset:
			b.preset(f.Name)
		default:
			b.add(f.Name, f.Transformers)
		}
	}
	for i := range b.p.order {
		b.nest(&b.p.order[i], below(fields, depth, b.p.order[i].name), depth+1)
	}
	b.arrange()
	return b.p
}

// below are the items under name at depth.
func below(fields []FieldPath, depth int, name string) []FieldPath {
	var out []FieldPath
	for _, f := range fields {
		if len(f.Parents) > depth && f.Parents[depth] == name {
			out = append(out, f)
		}
	}
	return out
}

type builder struct {
	p        *Projection
	at       map[string]int // place in p.order
	excluded map[string]bool
}

func (b *builder) add(name string, transformers []Transformer) {
	if b.excluded[name] {
		return
	}
	if i, ok := b.at[name]; ok {
		if b.p.order[i].transformers == nil {
			b.p.order[i].transformers = transformers
		}
		return
	}
	p := b.p.schema.Property(name)
	if p == nil && b.p.schema != nil && !IsUID(name) {
		return
	}
	b.at[name] = len(b.p.order)
	b.p.order = append(b.p.order, field{name: name, property: p, attribute: p == nil && b.p.schema != nil, transformers: transformers})
}

func (b *builder) preset(name string) {
	if b.p.schema == nil {
		if name == "all" {
			b.add("*", nil)
		}
		return
	}
	named := presets[name]
	for i := range b.p.schema.Properties {
		p := &b.p.schema.Properties[i]
		if slices.Contains(named, p.Name) || inPreset(name, p) {
			b.add(p.Name, nil)
		}
	}
}

func inPreset(name string, p *Property) bool {
	switch name {
	case "all":
		return true
	case "owner":
		return p.Owner && p.Persisted
	case "persisted":
		return p.Persisted
	case "simple":
		return p.Simple
	}
	return false
}

// nest makes the projection of what is asked inside a field. What names nothing
// (an unknown preset, exclusions alone) is as if nothing had been asked.
func (b *builder) nest(f *field, inside []FieldPath, depth int) {
	if !slices.ContainsFunc(inside, func(i FieldPath) bool { return !i.Exclude && (!i.Preset || knownPreset(i.Name)) }) {
		return
	}
	var s *Schema
	if f.property != nil {
		s = b.p.all.Of(f.property)
	}
	f.sub = project(inside, depth, s, b.p.all)
}

func knownPreset(name string) bool {
	switch name {
	case "all", "owner", "persisted", "simple":
		return true
	}
	_, ok := presets[name]
	return ok
}

// arrange puts the fields into the order of the schema, attributes last.
func (b *builder) arrange() {
	b.p.fields = slices.Clone(b.p.order)
	if b.p.schema == nil {
		return
	}
	rank := make(map[string]int, len(b.p.schema.Properties))
	for i := range b.p.schema.Properties {
		rank[b.p.schema.Properties[i].Name] = i
	}
	slices.SortStableFunc(b.p.fields, func(x, y field) int {
		return rankOf(rank, x.name) - rankOf(rank, y.name)
	})
}

func rankOf(rank map[string]int, name string) int {
	if i, ok := rank[name]; ok {
		return i
	}
	return len(rank)
}
