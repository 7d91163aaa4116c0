package metadata

import (
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// node is a member that a fields parameter asks for.
type node struct {
	name       string
	all        bool // no members were named: the default of what it is
	preset     string
	includes   map[string]*node
	order      []string // of the includes, as asked
	excludes   map[string]bool
	presets    []string
	transforms []transform
}

// transform is one ~name(arguments) of a member.
type transform struct {
	name string
	args []string
}

func newNode(name string) *node {
	return &node{name: name, all: true, includes: map[string]*node{}, excludes: map[string]bool{}}
}

// child returns the member's node, made when missing.
func (n *node) child(name string) *node {
	n.all = false
	c := n.includes[name]
	if c == nil {
		c = newNode(name)
		n.includes[name] = c
		n.order = append(n.order, name)
	}
	return c
}

// fieldReader reads DHIS2's field language (2.44 FieldFilterParser.java).
type fieldReader struct {
	text string
	rest []rune
	pos  int
}

// maxFieldDepth bounds how deep brackets may nest.
const maxFieldDepth = 32

// parseFields reads a fields parameter. A text that cannot be read is a 400 that
// shows the place. An empty text selects nothing.
func parseFields(text string) (*node, error) {
	r := &fieldReader{text: text, rest: []rune(text)}
	root := newNode("")
	root.all = false
	if err := r.list(root, 0); err != nil {
		return nil, err
	}
	return root, nil
}

func (r *fieldReader) fail(want string) error {
	found := r.rest[r.pos]
	return problem.BadRequest("Expected %s at position %d but found: %c\n  %s\n  %s^", want, r.pos, found, r.text, strings.Repeat(" ", r.pos))
}

func (r *fieldReader) end() bool { return r.pos >= len(r.rest) }

func (r *fieldReader) space() {
	for !r.end() && (r.rest[r.pos] == ' ' || r.rest[r.pos] == '\t' || r.rest[r.pos] == '\n' || r.rest[r.pos] == '\r') {
		r.pos++
	}
}

func (r *fieldReader) list(at *node, depth int) error {
	if depth > maxFieldDepth {
		return problem.BadRequest("Fields are nested too deeply")
	}
	for {
		r.space()
		if r.end() {
			return nil
		}
		switch c := r.rest[r.pos]; c {
		case ',':
			r.pos++
			continue
		case ']', ')':
			r.pos++
			if depth > 0 {
				return nil
			}
			continue
		}
		if err := r.field(at, depth); err != nil {
			return err
		}
		r.space()
		if r.end() {
			return nil
		}
		switch r.rest[r.pos] {
		case ',', ']', ')':
		default:
			return r.fail(",")
		}
	}
}

func isNameChar(c rune) bool {
	return c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80
}

func (r *fieldReader) name() (string, error) {
	start := r.pos
	for !r.end() && isNameChar(r.rest[r.pos]) {
		r.pos++
	}
	if r.pos == start {
		if r.end() {
			return "", nil
		}
		return "", r.fail("a name character")
	}
	return string(r.rest[start:r.pos]), nil
}

func (r *fieldReader) field(at *node, depth int) error {
	exclude := false
	switch c := r.rest[r.pos]; {
	case c == '!' || c == '-':
		exclude = true
		r.pos++
		r.space()
	case c == '*':
		r.pos++
		at.all = false
		at.presets = append(at.presets, "all")
		return r.transformers(newNode("")) // of everything: without effect
	}
	if !r.end() && r.rest[r.pos] == ':' {
		r.pos++
		name, err := r.name()
		if err != nil {
			return err
		}
		at.all = false
		if !exclude {
			at.presets = append(at.presets, name)
		}
		return nil
	}
	name, err := r.name()
	if err != nil || name == "" {
		return err
	}
	if exclude {
		at.all = false
		at.excludes[name] = true
		if !r.end() && (r.rest[r.pos] == '[' || r.rest[r.pos] == '(') {
			r.pos++
			return r.list(newNode(""), depth+1)
		}
		return nil
	}
	return r.path(at, name, depth)
}

// path reads what follows a name: transformers, then members in brackets.
func (r *fieldReader) path(at *node, name string, depth int) error {
	first := at.includes[name] == nil // the first naming of a member decides how it is transformed
	c := at
	for _, part := range strings.Split(name, ".") {
		if part != "" {
			c = c.child(part)
		}
	}
	given := c.transforms
	if err := r.transformers(c); err != nil {
		return err
	}
	if !first {
		c.transforms = given
	}
	r.space()
	if !r.end() && (r.rest[r.pos] == '[' || r.rest[r.pos] == '(') {
		r.pos++
		return r.list(c, depth+1)
	}
	return nil
}

func (r *fieldReader) transformers(c *node) error {
	for {
		r.space()
		switch {
		case r.end():
			return nil
		case r.rest[r.pos] == '~' || r.rest[r.pos] == '|' || r.rest[r.pos] == '@':
			r.pos++
		case r.rest[r.pos] == ':' && r.pos+1 < len(r.rest) && r.rest[r.pos+1] == ':':
			r.pos += 2
		default:
			return nil
		}
		name, err := r.name()
		if err != nil {
			return err
		}
		t := transform{name: name}
		if !r.end() && r.rest[r.pos] == '(' {
			r.pos++
			start := r.pos
			for !r.end() && r.rest[r.pos] != ')' {
				r.pos++
			}
			t.args = strings.FieldsFunc(string(r.rest[start:r.pos]), func(c rune) bool { return c == ';' || c == ',' })
			for i := range t.args {
				t.args[i] = strings.TrimSpace(t.args[i])
			}
			if !r.end() {
				r.pos++
			}
		}
		c.transforms = append(c.transforms, t)
	}
}
