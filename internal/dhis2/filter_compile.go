package dhis2

import "strings"

// Condition is a filter made ready for the objects of one schema. It is safe for
// concurrent use.
type Condition struct {
	filter    Filter
	path      []step
	attribute string // uid of an attribute whose value is compared
	any       []*Condition
	property  *Property // the last of the path
	class     class
	op        operator
	want      []operand
}

// step is one name of a path: a property of a schema, or a member of a document
// that no schema describes.
type step struct {
	schema   *Schema
	property *Property
	name     string
}

// NewCondition makes a filter ready. Errors are *QueryError with the texts of the
// normal engine and status 400; /api/metadata answers them with 409.
func NewCondition(f Filter, s *Schema, all Schemas) (*Condition, error) {
	if f.Path == "identifiable" && s.Property("identifiable") == nil {
		return identifiable(f, s, all)
	}
	if f.Path == "attributeValues.attribute.id" && f.Op == "eq" {
		return NewCondition(Filter{Path: f.Value, Op: "!null"}, s, all)
	}
	c := &Condition{filter: f}
	if err := c.resolve(s, all); err != nil {
		return nil, err
	}
	op, ok := operators[f.Op]
	if !ok {
		return nil, badQuery("`%s` is not a valid operator.", f.Op)
	}
	c.op = op
	return c, c.operands()
}

// NewConditions makes all filters ready.
func NewConditions(filters []Filter, s *Schema, all Schemas) ([]*Condition, error) {
	out := make([]*Condition, 0, len(filters))
	for _, f := range filters {
		c, err := NewCondition(f, s, all)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// identifiable compares id, code, name and shortName; one that fits is enough.
func identifiable(f Filter, s *Schema, all Schemas) (*Condition, error) {
	c := &Condition{filter: f}
	for _, name := range []string{"id", "code", "name", "shortName"} {
		if p := s.Property(name); p == nil || !p.Persisted {
			continue
		}
		one, err := NewCondition(Filter{name, f.Op, f.Value, f.HasValue}, s, all)
		if err != nil {
			return nil, err
		}
		c.any = append(c.any, one)
	}
	if c.any == nil {
		return nil, badQuery("Unknown path property: %s", f.Path)
	}
	return c, nil
}

// resolve finds the properties of the path.
func (c *Condition) resolve(s *Schema, all Schemas) error {
	names := strings.Split(c.filter.Path, ".")
	for i, name := range names {
		p := s.Property(name)
		if p == nil && i == 0 && len(names) == 1 && IsUID(name) {
			c.attribute, c.property = name, &Property{Name: name, Type: TypeText}
			return nil
		}
		if p == nil {
			return badQuery("Unknown path property: %s", c.filter.Path)
		}
		c.path = append(c.path, step{s, p, name})
		c.property, c.class = p, classOf(p)
		if i == len(names)-1 {
			return nil
		}
		next := all.Of(p)
		if next == nil && p.Type != TypeComplex {
			return badQuery("Simple type was found before finished parsing path expression, please check your path string.")
		}
		if next == nil {
			c.loose(names[i+1:])
			return nil
		}
		s = next
	}
	return nil
}

// loose takes the rest of a path into a value that no schema describes.
func (c *Condition) loose(names []string) {
	for _, name := range names {
		c.path = append(c.path, step{name: name})
	}
	c.property, c.class = &Property{Name: names[len(names)-1], Type: TypeText}, classText
}

// operands reads the filter's value and checks that the operator takes its class.
func (c *Condition) operands() error {
	switch {
	case c.op.unary():
		return nil
	case !c.filter.HasValue && c.op.kind != isIn:
		c.op = operator{isNull, c.op.negate} // equal to nothing
		return nil
	case c.op.kind == isIn:
		items, ok := listOf(c.filter.Value)
		if !ok {
			return badQuery("Collection size must be integer `%s`", c.filter.Value)
		}
		for _, item := range items {
			if err := c.operand(item); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.operand(c.filter.Value); err != nil {
		return err
	}
	if c.op.textual() && c.class != classText {
		return badQuery("Value `%s` of type `%s` is not supported by this operator.", c.filter.Value, SimpleName(c.property.JavaClass()))
	}
	return nil
}

func (c *Condition) operand(text string) error {
	o, err := parseOperand(c.property, c.class, text)
	if err != nil {
		return err
	}
	if c.op.textual() {
		o.text = strings.ReplaceAll(o.text, "%", "")
		if c.op.folds() {
			o.text = strings.ToLower(o.text)
		}
	}
	c.want = append(c.want, o)
	return nil
}

// textual reports whether the operator works on text alone.
func (o operator) textual() bool {
	return o.kind == isEqualFold || o.kind >= isLike && o.kind <= isToken
}

// folds reports whether the operator ignores case.
func (o operator) folds() bool {
	switch o.kind {
	case isEqualFold, isLikeFold, isPrefixFold, isSuffixFold, isToken:
		return true
	}
	return false
}
