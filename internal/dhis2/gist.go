package dhis2

import (
	"errors"
	"slices"
	"strings"
)

// bridgeParameters are those with which a list may go to the Gist engine.
var bridgeParameters = []string{"fields", "filter", "order", "page", "pageSize", "paging", "locale", "rootJunction", "gist"}

// bridged reports whether DHIS2 2.44 answers the list with its Gist engine
// (GistBridge.java, observed): paging, known parameters, and nothing in fields,
// filter and order that is not simple.
func (q *ListQuery) bridged(all Schemas) bool {
	if q.schema.NoGist || !q.params.paging || q.params.gist != nil {
		return false
	}
	for name := range q.req.Query {
		if !slices.Contains(bridgeParameters, name) {
			return false
		}
	}
	return q.bridgedFields(all) && q.bridgedFilters() && q.bridgedOrder()
}

func (q *ListQuery) bridgedFields(all Schemas) bool {
	fields, err := ParseFields(q.fields("id,displayName")...)
	if err != nil {
		return false
	}
	for _, f := range fields {
		if !bridgedField(f, fields, q.schema, all) {
			return false
		}
	}
	return true
}

func bridgedField(f FieldPath, all []FieldPath, s *Schema, schemas Schemas) bool {
	for _, t := range f.Transformers {
		if t.Name != "rename" {
			return false
		}
	}
	if f.Preset || len(f.Parents) > 1 {
		return false
	}
	if len(f.Parents) == 1 {
		parent := s.Property(f.Parents[0])
		if parent == nil || !parent.IsReference() {
			return false
		}
		item := schemas.Of(parent)
		return item != nil && item.Identifiable && (f.Exclude || plainField(item, f.Name))
	}
	nested := slices.ContainsFunc(all, func(o FieldPath) bool { return len(o.Parents) > 0 && o.Parents[0] == f.Name })
	return f.Exclude || nested || plainField(s, f.Name)
}

// plainField reports whether a property is a plain stored value, or shows one that
// can be translated.
func plainField(s *Schema, name string) bool {
	p := s.Property(name)
	if p == nil || !p.Simple {
		return false
	}
	return p.Persisted || displays(s, p)
}

func displays(s *Schema, p *Property) bool {
	base := s.Property(p.Base)
	return p.Base != "" && base != nil && base.Persisted && base.Translatable
}

func (q *ListQuery) bridgedFilters() bool {
	for _, text := range splitGist(q.req.Query["filter"]) {
		f, op, err := parseGistFilter(text)
		if err != nil || op.kind == isToken || strings.Contains(f.Path, ".") {
			return false
		}
		p := q.schema.Property(f.Path)
		if p == nil || !p.Persisted {
			return false
		}
		if !p.Simple && !op.unary() && p.Type != TypeCollection {
			return false
		}
	}
	return true
}

func (q *ListQuery) bridgedOrder() bool {
	orders, err := ParseOrder(q.req.Query["order"], q.schema)
	if err != nil {
		return false
	}
	for _, o := range orders {
		if o.IgnoreCase || !plainField(q.schema, o.Property.Name) {
			return false
		}
	}
	return true
}

// readGist reads fields, filter and order as the Gist engine does.
func (q *ListQuery) readGist(all Schemas) error {
	fallback := "id,displayName"
	if q.req.GistEndpoint {
		fallback = "*"
	}
	fields, err := ParseFields(q.fields(fallback)...)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(fields, func(f FieldPath) bool { return f.Preset }) {
		fields = slices.DeleteFunc(fields, func(f FieldPath) bool { return f.Exclude })
	}
	for _, f := range fields {
		if len(f.Parents) == 0 && !f.Preset && q.schema.Property(f.Name) == nil {
			return noGistProperty(f.Name, q.schema)
		}
	}
	for _, text := range splitGist(q.req.Query["filter"]) {
		c, err := newGistCondition(text, q.schema, all)
		if err != nil {
			return err
		}
		q.conditions = append(q.conditions, c)
	}
	if q.orders, err = ParseOrder(q.req.Query["order"], q.schema); err != nil {
		return err
	}
	if q.req.GistEndpoint {
		fields = expandGist(fields, q.schema)
		q.auto = autoFields(fields, q.schema, q.one)
	}
	q.bare = q.req.GistCollection && len(fields) == 1
	q.projection = NewProjection(fields, q.schema, all)
	return nil
}

func noGistProperty(path string, s *Schema) error {
	return badParameter("Property `%s` does not exist in %s", path, s.Singular)
}

// splitGist cuts filter parameters at commas outside brackets.
func splitGist(params []string) []string {
	var out []string
	for _, param := range params {
		depth, start := 0, 0
		for i := range len(param) {
			switch param[i] {
			case '[':
				depth++
			case ']':
				depth = max(0, depth-1)
			case ',':
				if depth == 0 {
					out = append(out, param[start:i])
					start = i + 1
				}
			}
		}
		out = append(out, param[start:])
	}
	return out
}

// parseGistFilter cuts a filter of the Gist engine and finds its operator. The
// texts of errors are the engine's.
func parseGistFilter(text string) (Filter, operator, error) {
	f, err := ParseFilter(text)
	if err != nil {
		return f, operator{}, badParameter("Not a valid filter expression: %s", text)
	}
	op, ok := operators[f.Op]
	if !ok {
		if op, ok = gistOperators[f.Op]; !ok {
			return f, op, badParameter("Not an comparison operator symbol: %s", f.Op)
		}
	}
	switch {
	case op.unary() && f.HasValue:
		return f, op, badParameter("Filter `%s:%s:[%s]` uses an unary operator and does not need an argument.", f.Path, f.Op, f.Value)
	case !op.unary() && !f.HasValue:
		return f, op, badParameter("Filter `%s:%s:[]` uses a binary operator that does need an argument.", f.Path, f.Op)
	}
	return f, op, nil
}

func newGistCondition(text string, s *Schema, all Schemas) (*Condition, error) {
	f, op, err := parseGistFilter(text)
	if err != nil {
		return nil, err
	}
	c := &Condition{filter: f, op: op}
	if err := c.resolve(s, all); err != nil {
		return nil, noGistProperty(f.Path, s)
	}
	if op.kind == isIn && !strings.HasPrefix(f.Value, "[") {
		c.filter.Value = "[" + f.Value + "]"
	}
	if _, ok := errors.AsType[*QueryError](c.operands()); ok {
		return nil, badParameter("Type class %s is not compatible with provided filter value: `%s`", c.property.JavaClass(), f.Value)
	}
	return c, nil
}
