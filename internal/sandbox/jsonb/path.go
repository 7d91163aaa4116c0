package jsonb

import (
	"fmt"
	"strconv"
	"strings"
)

// Get follows path (PostgreSQL's #>): member names, and indices into arrays that
// count from the end when negative. It returns false where nothing is.
func (v Value) Get(path []string) (Value, bool) {
	for _, step := range path {
		switch v.kind {
		case Object:
			i := v.member(step)
			if i < 0 {
				return Value{}, false
			}
			v = v.members[i].Value
		case Array:
			i, err := strconv.Atoi(step)
			if err != nil {
				return Value{}, false
			}
			if i < 0 {
				i += len(v.items)
			}
			if i < 0 || i >= len(v.items) {
				return Value{}, false
			}
			v = v.items[i]
		default:
			return Value{}, false
		}
	}
	return v, true
}

// Set is jsonb_set: it replaces what is at path; create lets the last step make a
// member or an item that is not there. Where an earlier step leads nowhere v is
// returned as it is. Error: *DatabaseError.
func Set(v Value, path []string, to Value, create bool) (Value, error) {
	if len(path) == 0 {
		return v, nil
	}
	if v.kind != Object && v.kind != Array {
		return v, &DatabaseError{"ERROR: cannot set path in scalar"}
	}
	return set(v, path, 1, to, create)
}

func set(v Value, path []string, position int, to Value, create bool) (Value, error) {
	switch v.kind {
	case Object:
		return setMember(v, path, position, to, create)
	case Array:
		return setItem(v, path, position, to, create)
	}
	return v, nil
}

func setMember(v Value, path []string, position int, to Value, create bool) (Value, error) {
	i := v.member(path[0])
	if i < 0 {
		if !create || len(path) > 1 {
			return v, nil
		}
		members := append(append([]Member{}, v.members...), Member{path[0], to})
		return Value{kind: Object, members: settle(members)}, nil
	}
	next, err := replaced(v.members[i].Value, path, position, to, create)
	if err != nil {
		return v, err
	}
	members := append([]Member{}, v.members...)
	members[i].Value = next
	return Value{kind: Object, members: members}, nil
}

func setItem(v Value, path []string, position int, to Value, create bool) (Value, error) {
	i, err := strconv.Atoi(path[0])
	if err != nil {
		return v, &DatabaseError{fmt.Sprintf("ERROR: path element at position %d is not an integer: %q", position, path[0])}
	}
	if i < 0 {
		i += len(v.items)
	}
	if i < 0 || i >= len(v.items) {
		if !create || len(path) > 1 {
			return v, nil
		}
		items := append([]Value{}, v.items...)
		if i < 0 {
			return Value{kind: Array, items: append([]Value{to}, items...)}, nil
		}
		return Value{kind: Array, items: append(items, to)}, nil
	}
	next, err := replaced(v.items[i], path, position, to, create)
	if err != nil {
		return v, err
	}
	items := append([]Value{}, v.items...)
	items[i] = next
	return Value{kind: Array, items: items}, nil
}

func replaced(old Value, path []string, position int, to Value, create bool) (Value, error) {
	if len(path) == 1 {
		return to, nil
	}
	return set(old, path[1:], position+1, to, create)
}

// ParseArray reads the text between the braces of a PostgreSQL array literal of
// texts ("a,b"). Error: *DatabaseError, a malformed literal or a null element.
func ParseArray(s string) ([]string, error) {
	malformed := &DatabaseError{fmt.Sprintf("ERROR: malformed array literal: %q", "{"+s+"}")}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var out []string
	for n, part := range strings.Split(s, ",") {
		part = strings.Trim(part, " \t\n\r\v\f")
		switch {
		case len(part) > 1 && part[0] == '"' && part[len(part)-1] == '"':
			part = part[1 : len(part)-1]
		case strings.EqualFold(part, "null"):
			return nil, &DatabaseError{fmt.Sprintf("ERROR: path element at position %d is null", n+1)}
		case part == "":
			return nil, malformed
		}
		if strings.ContainsAny(part, `{}"\`) {
			return nil, malformed
		}
		out = append(out, part)
	}
	return out, nil
}
