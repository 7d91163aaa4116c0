package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// unreadable is Jackson's complaint about a member.
func (p *property) unreadable(s *schema, format string, args ...any) error {
	return &memberError{fmt.Sprintf(format, args...), s.className(), p.name, "[Source: UNKNOWN; byte offset: #UNKNOWN]"}
}

// memberError is Jackson's complaint about a member of an object.
type memberError struct{ msg, class, member, source string }

// Error is the complaint with its place.
func (e *memberError) Error() string {
	return fmt.Sprintf("%s\n at %s (through reference chain: %s[\"%s\"])", e.msg, e.source, e.class, e.member)
}

// locate finds the place of the member in the body that was read directly.
func (e *memberError) locate(body []byte) {
	sc := newScanner(bytes.NewReader(body))
	b, ok, err := sc.skipSpace()
	if err != nil || !ok || b != '{' {
		return
	}
	f, err := sc.open(b, 0)
	for first := true; err == nil; first = false {
		var more bool
		if more, err = sc.more(f, first); err != nil || !more {
			return
		}
		var name string
		if name, err = sc.key(f); err == nil && name == e.member {
			e.source = fmt.Sprintf(redactedSource, sc.line, sc.col)
			return
		}
		if err == nil {
			err = sc.value(1)
		}
	}
}

// tokenOf names a value as Jackson names its first token.
func tokenOf(v any) (what, token string) {
	switch v := v.(type) {
	case []any:
		return "Array value", "START_ARRAY"
	case map[string]any:
		return "Object value", "START_OBJECT"
	case string:
		return "String value", "VALUE_STRING"
	case bool:
		if v {
			return "Boolean value", "VALUE_TRUE"
		}
		return "Boolean value", "VALUE_FALSE"
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return "Floating-point value", "VALUE_NUMBER_FLOAT"
		}
		return "Integer value", "VALUE_NUMBER_INT"
	}
	return "Null value", "VALUE_NULL"
}

func (p *property) wrongToken(s *schema, class string, v any) error {
	what, token := tokenOf(v)
	return p.unreadable(s, "Cannot deserialize value of type `%s` from %s (token `JsonToken.%s`)", class, what, token)
}
