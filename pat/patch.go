package pat

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const operationClass = "org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation"

// missingBody is Spring's text for PATCH without a body.
const missingBody = "Required request body is missing: public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller." +
	"AbstractCrudController.patchObject(org.hisp.dhis.common.UID,java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user." +
	"UserDetails,org.hisp.dhis.commons.jackson.jsonpatch.JsonPatch) throws org.hisp.dhis.feedback.ForbiddenException,org.hisp.dhis.feedback." +
	"NotFoundException,org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchException,org.hisp.dhis.feedback.ConflictException"

// operation is one step of a JSON Patch in DHIS2's dialect (2.44 JsonPatchOperation:
// add, replace, remove and remove-by-id).
type operation struct {
	op    string
	path  []string // unescaped (RFC 6901)
	value any
	id    string // of remove-by-id
}

func badPatch(message string) error {
	return answer{dhis2.Error(http.StatusBadRequest, message, "")}
}

// parsePatch reads a patch. Errors are 400s in the words of Jackson and Spring.
func parsePatch(body []byte) ([]operation, error) {
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil, badPatch(missingBody)
	}
	n, err := dhis2.ParseNode(body)
	if bad, ok := errors.AsType[*dhis2.JSONError](err); ok {
		return nil, badPatch(bad.Original())
	}
	if err != nil {
		return nil, err
	}
	if n.Kind != dhis2.KindArray {
		e := cannot("java.util.ArrayList<"+operationClass+">", n)
		e.Text = strings.Replace(e.Text, "START_OBJECT", "FIELD_NAME", 1) // Spring has read on by then
		return nil, badPatch(e.Original())
	}
	out := make([]operation, 0, len(n.Items))
	for _, item := range n.Items {
		o, err := parseOperation(item)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func parseOperation(n *dhis2.Node) (operation, error) {
	const parseError = "JSON parse error: Could not resolve "
	name := n.Member("op")
	if n.Kind != dhis2.KindObject || name == nil {
		return operation{}, badPatch(parseError + "subtype of [simple type, class " + operationClass + "]: missing type id property 'op' (for POJO property '#temporary-name')")
	}
	switch name.Text {
	case "add", "remove", "remove-by-id", "replace":
	default:
		return operation{}, badPatch(parseError + "type id '" + name.Text + "' as a subtype of `" + operationClass +
			"`: known type ids = [add, remove, remove-by-id, replace] (for POJO property '#temporary-name')")
	}
	o := operation{op: name.Text}
	path := n.Member("path")
	if path == nil || path.Kind != dhis2.KindString || !strings.HasPrefix(path.Text, "/") {
		return o, badPatch("JSON parse error: Invalid input: JSON Pointer expression must start with '/'")
	}
	for step := range strings.SplitSeq(path.Text[1:], "/") {
		o.path = append(o.path, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	if v := n.Member("value"); v != nil {
		o.value = v.Value()
	}
	if id := n.Member("id"); id != nil {
		o.id = id.Text
	}
	return o, nil
}

// patched applies operations to a token's document, in order.
func patched(o *dhis2.Object, operations []operation, s *dhis2.Schema) (*dhis2.Object, error) {
	var doc any = o
	for _, op := range operations {
		if s.Property(op.path[0]) == nil {
			return nil, badPatch("Property " + op.path[0] + " does not exist on Schema")
		}
		var err error
		if doc, err = op.apply(doc, op.path); err != nil {
			return nil, err
		}
	}
	return doc.(*dhis2.Object), nil
}

func (o operation) apply(v any, path []string) (any, error) {
	switch v := v.(type) {
	case *dhis2.Object:
		return v, o.member(v, path)
	case []any:
		return o.item(v, path)
	}
	return nil, o.invalid()
}

func (o operation) invalid() error {
	return badPatch("Invalid path /" + strings.Join(o.path, "/"))
}

func (o operation) member(v *dhis2.Object, path []string) error {
	name := path[0]
	if len(path) > 1 {
		inner, there := v.Get(name)
		if !there {
			return o.invalid()
		}
		inner, err := o.apply(inner, path[1:])
		if err == nil {
			v.Set(name, inner)
		}
		return err
	}
	switch o.op {
	case "remove":
		v.Delete(name)
	case "remove-by-id":
		list := slices.DeleteFunc(slices.Clone(v.List(name)), func(item any) bool {
			ref, ok := item.(*dhis2.Object)
			return ok && ref.Text("id") == o.id
		})
		v.Set(name, list)
	default:
		v.Set(name, o.value)
	}
	return nil
}

func (o operation) item(v []any, path []string) (any, error) {
	if len(path) == 1 && path[0] == "-" && o.op == "add" {
		return append(v, o.value), nil
	}
	i, err := strconv.Atoi(path[0])
	last := len(path) == 1
	if err != nil || i < 0 || i > len(v) || i == len(v) && !(last && o.op == "add") {
		return nil, o.invalid()
	}
	switch {
	case !last:
		v[i], err = o.apply(v[i], path[1:])
	case o.op == "add":
		v = slices.Insert(v, i, o.value)
	case o.op == "remove":
		v = slices.Delete(v, i, i+1)
	case o.op == "replace":
		v[i] = o.value
	default:
		err = o.invalid()
	}
	return v, err
}

// patch answers PATCH /api/apiToken/{uid}.
func (q *call) patch() error {
	if err := q.caller.mayChange(); err != nil {
		return err
	}
	body, err := q.body("application/json-patch+json")
	if err != nil {
		return err
	}
	operations, err := parsePatch(body)
	if err != nil {
		return err
	}
	return q.change(func(r *Record) error {
		p, err := q.patchedPayload(r, operations)
		if err != nil {
			return err
		}
		endless := r.Constraints.Expiry.IsZero() && p.expire == nil
		return q.apply(r, p, endless)
	})
}

// patchedPayload is what a record says of itself after the operations.
func (q *call) patchedPayload(r *Record, operations []operation) (payload, error) {
	o, err := patched(q.document(r), operations, schemaOf())
	if err != nil {
		return payload{}, err
	}
	text, err := dhis2.AppendJSON(nil, o)
	if err != nil {
		return payload{}, err
	}
	n, err := dhis2.ParseNode(text)
	if err != nil {
		return payload{}, err
	}
	p, bad := bindToken(n)
	if bad != nil {
		return payload{}, badPatch(bad.InTree())
	}
	return p, nil
}
