package jsonb

import "strings"

// Compare is jsonb's order: Object > Array > Boolean > Number > String > Null;
// arrays and objects by length, then piece by piece; texts by bytes.
func Compare(a, b Value) int {
	if a.kind != b.kind {
		return sign(int(a.kind) - int(b.kind))
	}
	switch a.kind {
	case String:
		return strings.Compare(a.text, b.text)
	case Number:
		return compareNumbers(a.text, b.text)
	case Bool:
		return sign(toInt(a.truth) - toInt(b.truth))
	case Array:
		return compareItems(a.items, b.items)
	case Object:
		return compareMembers(a.members, b.members)
	}
	return 0
}

func compareItems(a, b []Value) int {
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	for i := range a {
		if c := Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func compareMembers(a, b []Member) int {
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	for i := range a {
		if c := strings.Compare(a[i].Key, b[i].Key); c != 0 {
			return c
		}
		if c := Compare(a[i].Value, b[i].Value); c != 0 {
			return c
		}
	}
	return 0
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
