package sandbox

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// field is one selected member: where it is, and under which nested name it goes.
type field struct {
	path []string // empty for the root
	name []string
}

var validPath = regexp.MustCompile(`^[-_a-zA-Z0-9]{1,32}(?:\.[-_a-zA-Z0-9]{1,32}){0,5}$`)

// normalPath turns a[0].b into a.0.b and checks it (E7650). "." is the root and "_"
// the key.
func normalPath(p string) (string, error) {
	if p == "." || p == "_" {
		return p, nil
	}
	n := strings.NewReplacer("[", ".", "]", "").Replace(p)
	if !validPath.MatchString(n) || !bracketsAreIndexes(p) {
		return "", problem.New(http.StatusConflict, "E7650", "Not a valid path: `%s`", p)
	}
	return n, nil
}

var index = regexp.MustCompile(`\[[0-9]+\]`)

func bracketsAreIndexes(p string) bool {
	return !strings.ContainsAny(index.ReplaceAllString(p, ""), "[]")
}

func steps(normal string) []string {
	if normal == "." || normal == "" {
		return nil
	}
	return strings.Split(normal, ".")
}

// fieldParser reads name, a.b, a[b,c], a(b), a.b~hoist(c).
type fieldParser struct {
	s   string
	i   int
	out []field
}

// parseFields reads the parameter fields of an entries query. Errors: 409 E7650
// and E7651 with DHIS2's words. Empty means keys alone.
func parseFields(s string) ([]field, error) {
	if s == "" {
		return nil, nil
	}
	p := &fieldParser{s: s}
	if err := p.list(nil, 0); err != nil {
		return nil, err
	}
	return p.out, nil
}

func (p *fieldParser) unexpected() error {
	r := []rune(p.s[p.i:])
	return problem.New(http.StatusConflict, "E7651", "Illegal fields expression, expected `,`, `[` or `]` at position %d but found `%s`", len([]rune(p.s[:p.i])), string(r[0]))
}

const maxNesting = 50

// list reads fields until the end, or the bracket that closes them.
func (p *fieldParser) list(parent []string, depth int) error {
	for {
		name := p.word()
		switch {
		case p.i < len(p.s) && p.s[p.i] == '~':
			if err := p.hoisted(parent, name); err != nil {
				return err
			}
		case p.i < len(p.s) && (p.s[p.i] == '[' || p.s[p.i] == '('):
			if depth == maxNesting {
				return p.unexpected()
			}
			p.i++
			if err := p.list(append(append([]string{}, parent...), steps(name)...), depth+1); err != nil {
				return err
			}
			if p.i < len(p.s) && p.s[p.i] == '~' { // an alias after brackets is no path
				if err := p.hoisted(nil, ""); err != nil {
					return err
				}
			}
		case name != "":
			if err := p.add(parent, name, nil); err != nil {
				return err
			}
		}
		if p.i == len(p.s) {
			return nil
		}
		switch c := p.s[p.i]; {
		case c == ',':
			p.i++
		case (c == ']' || c == ')') && depth > 0:
			p.i++
			return nil
		default:
			return p.unexpected()
		}
	}
}

func (p *fieldParser) word() string {
	from := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.') {
			break
		}
		p.i++
	}
	return p.s[from:p.i]
}

// hoisted reads ~hoist(alias) behind a name.
func (p *fieldParser) hoisted(parent []string, name string) error {
	from := p.i
	end := strings.IndexByte(p.s[from:], ')')
	if end < 0 {
		end = len(p.s) - from - 1
	}
	text := p.s[from : from+end+1]
	alias, ok := strings.CutPrefix(text, "~hoist(")
	if !ok || name == "" || !strings.HasSuffix(alias, ")") {
		return problem.New(http.StatusConflict, "E7650", "Not a valid path: `%s`", name+text)
	}
	p.i = from + end + 1
	alias = strings.TrimSuffix(alias, ")")
	return p.add(parent, name, strings.Split(alias, "."))
}

func (p *fieldParser) add(parent []string, name string, alias []string) error {
	path := append(append([]string{}, parent...), steps(name)...)
	if len(path) > 0 {
		if _, err := normalPath(strings.Join(path, ".")); err != nil {
			return err
		}
	}
	if alias == nil {
		alias = path
		if len(path) == 0 {
			alias = []string{"value"}
		}
	}
	p.out = append(p.out, field{path, alias})
	return nil
}

// tree is an answer in the making: members in the order in which they were asked.
type tree struct {
	names []string
	nodes map[string]*tree
	leaf  []byte // JSON of a value; nil for a node with members
}

func (t *tree) put(name []string, value []byte) {
	for _, n := range name {
		if t.nodes == nil {
			t.nodes = map[string]*tree{}
			t.leaf = nil
		}
		next, ok := t.nodes[n]
		if !ok {
			next = &tree{}
			t.nodes[n] = next
			t.names = append(t.names, n)
		}
		t = next
	}
	t.leaf, t.nodes, t.names = value, nil, nil
}

func (t *tree) append(dst []byte) []byte {
	if t.nodes == nil {
		return append(dst, t.leaf...)
	}
	dst = append(dst, '{')
	for i, n := range t.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonb.Quote(dst, n), ':')
		dst = t.nodes[n].append(dst)
	}
	return append(dst, '}')
}
