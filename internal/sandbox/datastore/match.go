package datastore

import "github.com/d2gate/d2gate/internal/sandbox/jsonb"

// holds tells whether a comparison's result is what the operator wants.
func (o operator) holds(c int) bool {
	switch o.compare {
	case less:
		return c < 0
	case lessOrEqual:
		return c <= 0
	case greater:
		return c > 0
	case greaterOrEqual:
		return c >= 0
	}
	return c == 0
}

// Matches tells whether an entry meets the filter; there is false when the entry
// has no value at all. A filter, negated or not, matches only nodes of the type of
// its value.
func (f Filter) Matches(key string, v jsonb.Value, there bool) bool {
	if f.onKey {
		return f.matchesText(key) != f.op.negated
	}
	node, ok := v.Get(f.path)
	if !there || !ok {
		return false
	}
	switch {
	case f.op.compare == isNull:
		return (node.Kind() == jsonb.Null) != f.op.negated
	case f.op.compare == isEmpty:
		return f.matchesEmpty(node)
	case f.op.compare == inList || f.like != nil || f.value.Kind() == jsonb.String:
		return node.Kind() == jsonb.String && f.matchesText(node.Text()) != f.op.negated
	case node.Kind() != f.value.Kind():
		return false
	case f.never:
		return f.op.negated
	}
	return f.op.holds(jsonb.Compare(node, f.value)) != f.op.negated
}

// matchesEmpty: texts, arrays and objects can be empty, nothing else.
func (f Filter) matchesEmpty(node jsonb.Value) bool {
	switch node.Kind() {
	case jsonb.String:
		return (node.Text() == "") != f.op.negated
	case jsonb.Array, jsonb.Object:
		return (node.Len() == 0) != f.op.negated
	}
	return false
}
