package dhis2

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Object is a JSON object whose members keep their order. A value of a member is
// nil, bool, string, json.Number, []any or *Object; AppendJSON also takes the
// types that encoding/json knows.
type Object struct{ Members []Member }

// Member is one member of an Object.
type Member struct {
	Name  string
	Value any
}

// NewObject makes an object of names and values in turns. It panics when a name
// is no string: the arguments are literals.
func NewObject(pairs ...any) *Object {
	o := &Object{Members: make([]Member, 0, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Members = append(o.Members, Member{pairs[i].(string), pairs[i+1]})
	}
	return o
}

// Get returns the value of a member; ok is false when there is no such member.
func (o *Object) Get(name string) (value any, ok bool) {
	if o == nil {
		return nil, false
	}
	for i := range o.Members {
		if o.Members[i].Name == name {
			return o.Members[i].Value, true
		}
	}
	return nil, false
}

// Text returns the value of a member that is a string, "" otherwise.
func (o *Object) Text(name string) string {
	v, _ := o.Get(name)
	s, _ := v.(string)
	return s
}

// List returns the value of a member that is a list, nil otherwise.
func (o *Object) List(name string) []any {
	v, _ := o.Get(name)
	l, _ := v.([]any)
	return l
}

// Set replaces a member's value in its place, or adds the member at the end.
func (o *Object) Set(name string, value any) {
	for i := range o.Members {
		if o.Members[i].Name == name {
			o.Members[i].Value = value
			return
		}
	}
	o.Members = append(o.Members, Member{name, value})
}

// Delete removes a member if it is there.
func (o *Object) Delete(name string) {
	o.Members = slices.DeleteFunc(o.Members, func(m Member) bool { return m.Name == name })
}

// Clone returns a deep copy.
func (o *Object) Clone() *Object { return CloneValue(o).(*Object) }

// CloneValue returns a deep copy of a value of a member.
func CloneValue(v any) any {
	switch v := v.(type) {
	case *Object:
		c := &Object{Members: make([]Member, len(v.Members))}
		for i, m := range v.Members {
			c.Members[i] = Member{m.Name, CloneValue(m.Value)}
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = CloneValue(v[i])
		}
		return c
	}
	return v
}

// MarshalJSON prints the members in their order.
func (o *Object) MarshalJSON() ([]byte, error) { return AppendJSON(nil, o) }

// AppendJSON appends v as Jackson prints it: no blanks, no HTML escapes.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case json.Number:
		return append(dst, v...), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case *Object:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendObject(dst, v)
	case []any:
		return appendList(dst, v)
	}
	text, err := EncodeJSON(v)
	if err != nil {
		return nil, fmt.Errorf("print JSON: %w", err)
	}
	return append(dst, text...), nil
}

func appendObject(dst []byte, o *Object) ([]byte, error) {
	var err error
	dst = append(dst, '{')
	for i := range o.Members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, o.Members[i].Name), ':')
		if dst, err = AppendJSON(dst, o.Members[i].Value); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendList(dst []byte, l []any) ([]byte, error) {
	var err error
	dst = append(dst, '[')
	for i := range l {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = AppendJSON(dst, l[i]); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

const hex = "0123456789ABCDEF"

// appendString quotes s with Jackson's escapes. Broken UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + size
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = appendEscape(append(dst, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
