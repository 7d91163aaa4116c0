package dhis2

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
)

// transform runs a field's transformers in their order; rename counts last. Lists
// that DHIS2 keeps as one value (attributeValues) are only renamed.
func transform(f *field, v any) (any, string) {
	name := f.name
	for _, t := range f.transformers {
		if t.Name == "rename" {
			if len(t.Args) > 0 {
				name = t.Args[0]
			}
			continue
		}
		if f.property == nil || f.property.Type != TypeComplex {
			v = transformValue(t, v)
		}
	}
	return v, name
}

func transformValue(t Transformer, v any) any {
	switch t.Name {
	case "size":
		if n, ok := sizeOf(v); ok {
			return json.Number(strconv.Itoa(n))
		}
	case "isEmpty":
		if n, ok := sizeOf(v); ok {
			return n == 0
		}
	case "isNotEmpty":
		if n, ok := sizeOf(v); ok {
			return n > 0
		}
	case "pluck":
		return pluck(v, argument(t))
	case "keyBy":
		return keyBy(v, argument(t))
	}
	return v
}

// argument is the transformer's first, "id" without one.
func argument(t Transformer) string {
	if len(t.Args) == 0 {
		return "id"
	}
	return t.Args[0]
}

// sizeOf counts the items of a list or the characters of a text, as Java counts
// them.
func sizeOf(v any) (int, bool) {
	switch v := v.(type) {
	case []any:
		return len(v), true
	case *Object:
		return len(v.Members), true
	case string:
		return len(utf16.Encode([]rune(v))), true
	}
	return 0, false
}

// pluck puts one member in each object's place; objects without it stay.
func pluck(v any, name string) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
		if o, ok := item.(*Object); ok {
			if value, ok := o.Get(name); ok {
				out[i] = value
			}
		}
	}
	return out
}

// keyBy makes an object of a list; items without the member are left out.
func keyBy(v any, name string) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	b := objectBuilder{o: &Object{}}
	for _, item := range list {
		o, ok := item.(*Object)
		if !ok {
			continue
		}
		if key, ok := o.Get(name); ok {
			if text, ok := asText(key); ok {
				b.put(text, item)
			}
		}
	}
	return b.o
}

// asText is a plain value as text; ok is false for lists, objects and null.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case int:
		return strconv.Itoa(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
