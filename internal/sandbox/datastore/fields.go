package datastore

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Field is one thing that an entries query shows of a value.
type Field struct {
	Path  []string // nil is the whole value
	Alias []string // members under which it is shown
}

// paths are up to six names of up to 32 characters (DHIS2 2.44 DatastoreQuery).
var pathForm = regexp.MustCompile(`^[-_a-zA-Z0-9]{1,32}(?:\.[-_a-zA-Z0-9]{1,32}){0,5}$`)

var indexForm = regexp.MustCompile(`\[([0-9]+)\]`)

// NormalisePath turns "a[0].b" into "a.0.b". "_" is the key and "." the whole
// value. Error: 409 E7650.
func NormalisePath(s string) (string, error) {
	path := indexForm.ReplaceAllString(s, ".$1")
	if s == "_" || s == "." || pathForm.MatchString(path) {
		return path, nil
	}
	return "", problem.New(409, "E7650", "Not a valid path: `%s`", s)
}

// ParseFields reads a fields expression: "a,b.c,d[e,f[0]],g~hoist(x)". Errors: 409
// E7650, E7651.
func ParseFields(expression string) ([]Field, error) {
	p := fieldsParser{rest: []rune(expression)}
	for p.pos < len(p.rest) {
		name := p.name()
		if p.pos >= len(p.rest) {
			if err := p.add(name); err != nil {
				return nil, err
			}
			break
		}
		switch next := p.rest[p.pos]; next {
		case ',':
			if err := p.add(name); err != nil {
				return nil, err
			}
		case '[', '(':
			p.parents = append(p.parents, name)
		case ']', ')':
			if err := p.add(name); err != nil {
				return nil, err
			}
			p.parents = p.parents[:max(0, len(p.parents)-1)]
		default:
			return nil, problem.New(409, "E7651", "Illegal fields expression, expected `,`, `[` or `]` at position %d but found `%c`", p.pos, next)
		}
		p.pos++
	}
	return p.fields, nil
}

type fieldsParser struct {
	rest    []rune
	pos     int
	parents []string
	fields  []Field
}

// name reads a name with its ~hoist(…), if it has one.
func (p *fieldsParser) name() string {
	start := p.pos
	for p.pos < len(p.rest) && (unicode.IsLetter(p.rest[p.pos]) || unicode.IsDigit(p.rest[p.pos]) || p.rest[p.pos] == '.') {
		p.pos++
	}
	if p.pos < len(p.rest) && p.rest[p.pos] == '~' {
		for p.pos < len(p.rest) && p.rest[p.pos] != ')' {
			p.pos++
		}
		p.pos = min(p.pos+1, len(p.rest))
	}
	return string(p.rest[start:p.pos])
}

// add keeps a field; an empty name is nothing.
func (p *fieldsParser) add(name string) error {
	if name == "" {
		return nil
	}
	full := strings.Join(append(p.parents[:len(p.parents):len(p.parents)], name), ".")
	path, alias := full, full
	if i := strings.Index(full, "~hoist("); i > 0 {
		path, alias = full[:i], strings.TrimSuffix(full[i+len("~hoist("):], ")")
	} else if full == "." {
		alias = "value"
	}
	norm, err := NormalisePath(path)
	if err != nil {
		return err
	}
	p.fields = append(p.fields, Field{Path: splitPath(norm), Alias: strings.Split(alias, ".")})
	return nil
}

// splitPath cuts a normalised path into steps; "." has none.
func splitPath(path string) []string {
	if path == "." {
		return nil
	}
	return strings.Split(path, ".")
}
