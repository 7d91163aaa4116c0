package metadata

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

const patchMethod = "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.AbstractCrudController.patchObject(org.hisp.dhis.common.UID,java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user.UserDetails,org.hisp.dhis.commons.jackson.jsonpatch.JsonPatch) throws org.hisp.dhis.feedback.ForbiddenException,org.hisp.dhis.feedback.NotFoundException,org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchException,org.hisp.dhis.feedback.ConflictException"

const patchClass = "org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation"

// patchOp is one operation of a JSON Patch as DHIS2 knows it: add, replace, remove,
// and remove-by-id.
type patchOp struct {
	op, path string
	steps    []string
	value    any
	id       string
}

// readPatch reads a JSON Patch. Errors are 400s with Jackson's words.
func readPatch(b []byte) ([]patchOp, error) {
	if text := strings.TrimSpace(string(b)); text == "" || text == "null" {
		return nil, problem.BadRequest("Required request body is missing: %s", patchMethod)
	}
	if err := checkJSON(b); err != nil {
		if j, ok := errors.AsType[*jsonError](err); ok {
			return nil, problem.BadRequest("JSON parse error: %s", j.msg)
		}
		return nil, err
	}
	v, err := parseAny(b)
	if err != nil {
		return nil, problem.BadRequest("JSON parse error: %s", err)
	}
	list, ok := v.([]any)
	if !ok {
		what, token := tokenOf(v)
		if token == "START_OBJECT" {
			token = "FIELD_NAME"
			if m, _ := v.(map[string]any); len(m) == 0 {
				token = "END_OBJECT"
			}
		}
		return nil, problem.BadRequest("JSON parse error: Cannot deserialize value of type `java.util.ArrayList<%s>` from %s (token `JsonToken.%s`)", patchClass, what, token)
	}
	return patchOps(list)
}

func patchOps(list []any) ([]patchOp, error) {
	var ops []patchOp
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, problem.BadRequest("JSON parse error: Could not resolve subtype of [simple type, class %s]: missing type id property 'op' (for POJO property '#temporary-name')", patchClass)
		}
		o := patchOp{op: textOf(m, "op"), path: textOf(m, "path"), value: m["value"], id: textOf(m, "id")}
		switch o.op {
		case "add", "replace", "remove", "remove-by-id":
		case "":
			return nil, problem.BadRequest("JSON parse error: Could not resolve subtype of [simple type, class %s]: missing type id property 'op' (for POJO property '#temporary-name')", patchClass)
		default:
			return nil, problem.BadRequest("JSON parse error: Could not resolve type id '%s' as a subtype of `%s`: known type ids = [add, remove, remove-by-id, replace] (for POJO property '#temporary-name')", o.op, patchClass)
		}
		if !strings.HasPrefix(o.path, "/") {
			return nil, problem.BadRequest("JSON parse error: Invalid input: JSON Pointer expression must start with '/': \"%s\"", o.path)
		}
		for step := range strings.SplitSeq(o.path[1:], "/") {
			o.steps = append(o.steps, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
		ops = append(ops, o)
	}
	return ops, nil
}

// apply changes a document.
func (o patchOp) apply(s *schema, doc document) error {
	if s.byName[o.steps[0]] == nil && !s.open {
		return problem.BadRequest("Property %s does not exist on Schema", o.steps[0])
	}
	changed, err := o.change(doc, o.steps)
	if err != nil {
		return err
	}
	m, _ := changed.(map[string]any)
	if m != nil {
		maps.Copy(doc, m)
	}
	return nil
}

// change returns the value v with the operation done at steps below it.
func (o patchOp) change(v any, steps []string) (any, error) {
	step, last := steps[0], len(steps) == 1
	switch v := v.(type) {
	case map[string]any:
		return o.changeObject(v, step, steps[1:], last)
	case []any:
		return o.changeList(v, step, steps[1:], last)
	}
	return nil, problem.BadRequest("Invalid path %s", o.path)
}

func (o patchOp) changeObject(m map[string]any, step string, rest []string, last bool) (any, error) {
	if !last {
		below := m[step]
		if below == nil {
			below = any(map[string]any{})
			if len(rest) == 1 && rest[0] == "-" {
				below = []any{}
			}
		}
		changed, err := o.change(below, rest)
		if err != nil {
			return nil, err
		}
		m[step] = changed
		return m, nil
	}
	switch o.op {
	case "add", "replace":
		m[step] = o.value
	case "remove":
		delete(m, step)
	case "remove-by-id":
		list, ok := m[step].([]any)
		if !ok {
			return nil, problem.BadRequest("Invalid path %s, must be a collection", o.path)
		}
		m[step] = without(list, func(v any) bool { return idOf(v) == o.id })
	}
	return m, nil
}

func (o patchOp) changeList(list []any, step string, rest []string, last bool) (any, error) {
	if step == "-" && last && (o.op == "add" || o.op == "replace") {
		return append(list, o.value), nil
	}
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i > len(list) || i == len(list) && (o.op != "add" || !last) {
		return nil, problem.BadRequest("Invalid array index %s of path %s", step, o.path)
	}
	if !last {
		changed, err := o.change(list[i], rest)
		if err != nil {
			return nil, err
		}
		list[i] = changed
		return list, nil
	}
	switch o.op {
	case "replace":
		list[i] = o.value
	case "add":
		list = append(list[:i:i], append([]any{o.value}, list[i:]...)...)
	case "remove":
		list = append(list[:i:i], list[i+1:]...)
	}
	return list, nil
}

// patch is PATCH of one object.
func (c *request) patch() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	if err := c.mediaType("application/json-patch+json"); err != nil {
		return err
	}
	b, err := c.body()
	if err != nil {
		return err
	}
	ops, err := readPatch(b)
	if err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	doc, _ := cloneAny(o.doc).(map[string]any)
	for _, op := range ops {
		if err := op.apply(c.typ, doc); err != nil {
			return err
		}
	}
	doc["id"] = uid
	if sh := sharingOf(doc); sh != nil { // a removed map is an empty one
		for _, k := range []string{"users", "userGroups"} {
			if sh[k] == nil {
				sh[k] = map[string]any{}
			}
		}
	}
	p := c.importParams()
	p.strategy, p.skipValidation, p.validate, p.byCode = "UPDATE", false, false, false
	_, errs, err := c.importOne(p, doc)
	if e, ok := errors.AsType[*memberError](err); ok {
		return problem.BadRequest("%s", e.Error())
	}
	if err != nil {
		return fmt.Errorf("patch %s: %w", c.typ.singular, err)
	}
	return c.updated(uid, errs)
}
