package dhis2

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PatchOperation is one operation of a JSON Patch as DHIS2 has it: add, replace,
// remove, remove-by-id.
type PatchOperation struct {
	Op    string
	Path  []string // decoded segments of the pointer; none means the whole object
	Value any      // of add and replace
	ID    string   // of remove-by-id
}

const patchClass = "org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation"

// maxPointerDepth bounds the segments of a path, so that a patch nests no deeper
// than a reader follows.
const maxPointerDepth = 100

var patchOperations = []string{"add", "remove", "remove-by-id", "replace"}

// ParsePatch reads a JSON Patch. Errors are *JSONError; DHIS2 answers them with
// 400 and their Original text.
func ParsePatch(text []byte) ([]PatchOperation, error) {
	n, err := ParseNode(text)
	if err != nil {
		return nil, err
	}
	if n.Kind != KindArray {
		return nil, patchNoList(n)
	}
	ops := make([]PatchOperation, 0, len(n.Items))
	for i, item := range n.Items {
		op, err := parseOperation(item)
		if bad, ok := errors.AsType[*JSONError](err); ok {
			bad.Chain = "java.util.ArrayList[" + strconv.Itoa(i) + "]"
		}
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// patchNoList is the error for a patch that is no list. Of an object it names the
// token behind the bracket.
func patchNoList(n *Node) error {
	list := "java.util.ArrayList<" + patchClass + ">"
	if n.Kind != KindObject {
		return WrongToken(list, n)
	}
	token, at := "END_OBJECT", n.Close
	if len(n.Members) > 0 {
		token, at = "FIELD_NAME", n.Members[0].At
	}
	return jsonError(at, "Cannot deserialize value of type `%s` from Object value (token `JsonToken.%s`)", list, token)
}

func parseOperation(n *Node) (PatchOperation, error) {
	var op PatchOperation
	name := n.Member("op")
	if n.Kind != KindObject || name == nil {
		return op, jsonError(n.At, "Could not resolve subtype of [simple type, class %s]: missing type id property 'op' (for POJO property '#temporary-name')", patchClass)
	}
	op.Op, _ = asText(name.Value())
	if !slices.Contains(patchOperations, op.Op) {
		return op, jsonError(name.At, "Could not resolve type id '%s' as a subtype of `%s`: known type ids = [%s] (for POJO property '#temporary-name')", op.Op, patchClass, strings.Join(patchOperations, ", "))
	}
	if v := n.Member("value"); v != nil {
		op.Value = v.Value()
	}
	if id := n.Member("id"); id != nil {
		op.ID, _ = asText(id.Value())
	}
	pointer := ""
	if p := n.Member("path"); p != nil {
		pointer, _ = asText(p.Value())
	}
	if pointer != "" && pointer[0] != '/' {
		quoted, err := EncodeJSON(pointer)
		if err != nil {
			return op, err
		}
		return op, jsonError(n.At, "Invalid input: JSON Pointer expression must start with '/': %s", quoted)
	}
	if pointer != "" {
		for s := range strings.SplitSeq(pointer[1:], "/") {
			op.Path = append(op.Path, strings.NewReplacer("~1", "/", "~0", "~").Replace(s))
		}
		if len(op.Path) > maxPointerDepth {
			return op, jsonError(n.At, "Invalid input: JSON Pointer expression has more than %d segments", maxPointerDepth)
		}
	}
	return op, nil
}

// ApplyPatch applies the operations to a copy of an object. The first segment of a
// path must be a property of the schema. Errors are *QueryError with status 400.
func ApplyPatch(o *Object, ops []PatchOperation, s *Schema) (*Object, error) {
	o = o.Clone()
	for _, op := range ops {
		if len(op.Path) == 0 {
			return nil, badParameter("Invalid path /")
		}
		if s.Property(op.Path[0]) == nil {
			return nil, badParameter("Property %s does not exist on Schema", op.Path[0])
		}
		v, err := op.apply(o, op.Path)
		if err != nil {
			return nil, err
		}
		o = v.(*Object)
	}
	return o, nil
}

// apply changes target at the path and returns it.
func (op *PatchOperation) apply(target any, path []string) (any, error) {
	switch t := target.(type) {
	case *Object:
		return op.inObject(t, path)
	case []any:
		return op.inList(t, path)
	}
	return nil, op.invalid()
}

func (op *PatchOperation) invalid() error {
	return badParameter("Invalid path %s", "/"+strings.Join(op.Path, "/"))
}

func (op *PatchOperation) inObject(o *Object, path []string) (any, error) {
	name := path[0]
	child, there := o.Get(name)
	if len(path) > 1 {
		if child == nil {
			switch {
			case op.Op == "remove" || op.Op == "remove-by-id":
				return o, nil // nothing to take away
			case path[1] == "-":
				child = []any{}
			default:
				child = &Object{}
			}
		}
		v, err := op.apply(child, path[1:])
		if err == nil {
			o.Set(name, v)
		}
		return o, err
	}
	switch op.Op {
	case "remove":
		o.Delete(name)
	case "remove-by-id":
		list, ok := child.([]any)
		if !ok && there && child != nil {
			return nil, op.invalid()
		}
		if there {
			o.Set(name, withoutID(list, op.ID))
		}
	default:
		o.Set(name, CloneValue(op.Value))
	}
	return o, nil
}

func withoutID(list []any, id string) []any {
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		o, ok := v.(*Object)
		return ok && o.Text("id") == id
	})
}

func (op *PatchOperation) inList(list []any, path []string) (any, error) {
	if path[0] == "-" && len(path) == 1 && (op.Op == "add" || op.Op == "replace") {
		return append(list, CloneValue(op.Value)), nil
	}
	i, err := strconv.Atoi(path[0])
	end := len(list)
	if op.Op == "add" && len(path) == 1 {
		end++
	}
	if err != nil || i < 0 || i >= end {
		return nil, op.invalid()
	}
	if len(path) > 1 {
		v, err := op.apply(list[i], path[1:])
		if err == nil {
			list[i] = v
		}
		return list, err
	}
	switch op.Op {
	case "add":
		return slices.Insert(list, i, CloneValue(op.Value)), nil
	case "replace":
		list[i] = CloneValue(op.Value)
	case "remove":
		list = slices.Delete(list, i, i+1)
	default:
		return nil, op.invalid()
	}
	return list, nil
}

// NodeOf makes a node of a value without places, so that Bind can check what a
// patch or an import made: its errors then say that the source is unknown. Values
// are those of an Object.
func NodeOf(v any) *Node {
	switch v := v.(type) {
	case *Object:
		if v == nil {
			return &Node{Kind: KindNull}
		}
		n := &Node{Kind: KindObject, Members: make([]NodeMember, len(v.Members))}
		for i, m := range v.Members {
			n.Members[i] = NodeMember{Name: m.Name, Value: NodeOf(m.Value)}
		}
		return n
	case []any:
		n := &Node{Kind: KindArray, Items: make([]*Node, len(v))}
		for i := range v {
			n.Items[i] = NodeOf(v[i])
		}
		return n
	case bool:
		if v {
			return &Node{Kind: KindTrue}
		}
		return &Node{Kind: KindFalse}
	case string:
		return &Node{Kind: KindString, Text: v}
	case json.Number:
		return &Node{Kind: KindNumber, Text: string(v)}
	case nil:
		return &Node{Kind: KindNull}
	}
	return &Node{Kind: KindNumber, Text: fmt.Sprint(v)}
}
