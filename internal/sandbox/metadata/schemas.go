package metadata

import (
	"net/http"

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
