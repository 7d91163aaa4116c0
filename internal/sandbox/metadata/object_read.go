package metadata

import (
	"errors"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// fieldsOr reads the fields parameters, repeated ones together; none means the default.
func (c *request) fieldsOr(def string) (*node, error) {
	return parseFields(c.fieldsText(def))
}

func (c *request) fieldsText(def string) string {
	text := strings.Join(c.query["fields"], ",")
	if strings.TrimSpace(text) == "" {
		text = def
	}
	return text
}

// excludesDefaults reads the parameter defaults.
func (c *request) excludesDefaults() (bool, error) {
	switch v := c.query.Get("defaults"); v {
	case "", "INCLUDE":
		return false, nil
	case "EXCLUDE":
		return true, nil
	default:
		return false, problem.BadRequest("Value '%s' is not valid for parameter defaults. Valid values are: [INCLUDE, EXCLUDE]", v)
	}
}

func (c *request) renderer() (*renderer, error) {
	exclude, err := c.excludesDefaults()
	if err != nil {
		return nil, err
	}
	r := c.s.renderer(c.r.Context(), c.q, c.u, c.base())
	r.excludeDefs, r.locale = exclude, c.exportLocale()
	return r, nil
}

// read is GET of one object.
func (c *request) read() error {
	if err := c.readable(); err != nil {
		return err
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	if c.typ.singular == "organisationUnit" && (c.isTrue("includeChildren") || c.isTrue("includeDescendants") || c.isTrue("includeAncestors")) {
		return c.unitFamily(o)
	}
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	if err := c.forms(o); err != nil {
		return err
	}
	body, err := r.object(nil, c.typ, o.doc, n)
	if err != nil {
		return err
	}
	return c.private(body)
}

// unitFamily is GET of an organisation unit with those around it: a list.
func (c *request) unitFamily(o *object) error {
	p, err := c.listParams()
	if err != nil {
		return err
	}
	n, err := c.fieldsOr("id,displayName")
	if err != nil {
		return err
	}
	sel, err := c.selection(p)
	if err != nil {
		return err
	}
	path := textOf(o.doc, "path")
	below, above := c.isTrue("includeChildren") || c.isTrue("includeDescendants"), c.isTrue("includeAncestors")
	sel.keep = func(d document) bool {
		other := textOf(d, "path")
		if !c.isTrue("includeDescendants") && idOf(d["parent"]) != o.uid && other != path && !above {
			return false
		}
		return other == path || below && strings.HasPrefix(other, path+"/") || above && strings.HasPrefix(path, other+"/")
	}
	return c.listSelection(p, n, sel)
}

// forms notes the sections of a data set, which decide its kind of form.
func (c *request) forms(o *object) error {
	if o.typ.singular != "dataSet" {
		return nil
	}
	sections, err := referrers(c.r.Context(), c.q, c.s.cat, o.typ, o.uid, c.s.cat.bySingular["section"], "dataSet")
	if err == nil && len(sections) > 0 {
		o.doc["sections"] = []any{id(sections[0].uid)}
	}
	return err
}

// readProperty is GET of one member of an object.
func (c *request) readProperty() error {
	if err := c.readable(); err != nil {
		return err
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	text := c.seg[2]
	if f := strings.Join(c.query["fields"], ","); f != "" {
		text += "[" + f + "]"
	} else if p := c.typ.byName[c.seg[2]]; p != nil && (p.kind == kRefs || p.kind == kRef) {
		text += "[*]"
	}
	n, err := parseFields(text)
	if err != nil {
		return err
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	body, err := r.object(nil, c.typ, o.doc, n)
	if err != nil {
		return err
	}
	return c.private(body)
}

// anyObject is GET /identifiableObjects/{uid}: whatever type has it.
func (c *request) anyObject() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	for _, s := range c.s.cat.schemas {
		if !s.stored() {
			continue
		}
		o, err := load(c.r.Context(), c.q, s, uid)
		if errors.Is(err, errNoObject) || err == nil && !s.canRead(c.u, o.doc) {
			continue
		}
		if err != nil {
			return err
		}
		n, err := c.fieldsOr("*")
		if err != nil {
			return err
		}
		r, err := c.renderer()
		if err != nil {
			return err
		}
		body, err := r.object(nil, s, o.doc, n)
		if err != nil {
			return err
		}
		return c.private(body)
	}
	return problem.NotFound("IdentifiableObject with id %s could not be found.", uid)
}

// schemaOfType is GET /type/schema.
func (c *request) schemaOfType() error {
	c.seg = []string{"schemas", c.typ.singular}
	return c.schemaOne()
}
