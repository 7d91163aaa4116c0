package dhis2

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// FieldPath is one item of a fields expression. The parent of a nested item is an
// item of its own before it.
type FieldPath struct {
	Parents      []string // names of the enclosing items
	Name         string   // without sign and colon; "all" for *
	Preset       bool     // :owner, *
	Exclude      bool     // !name, -name
	Transformers []Transformer
}

// Transformer changes a value that was picked: rename(n), size, isEmpty,
// isNotEmpty, pluck(x), keyBy(x). Unknown ones do nothing.
type Transformer struct {
	Name string
	Args []string
}

// String is the path with its dots: "group.!code", ":all".
func (f FieldPath) String() string {
	name := f.Name
	switch {
	case f.Exclude:
		name = "!" + name
	case f.Preset:
		name = ":" + name
	}
	return strings.Join(append(slices.Clone(f.Parents), name), ".")
}

// maxFieldDepth bounds the nesting of a fields expression.
const maxFieldDepth = 100

// ParseFields reads one or more fields parameters, which are merged: of two items
// of one path the first counts (DHIS2 2.44 FieldFilterParser). Errors are
// *QueryError with the text and a line with a caret.
func ParseFields(texts ...string) ([]FieldPath, error) {
	p := fieldParser{text: strings.Join(texts, ","), seen: map[string]bool{}}
	for p.pos < len(p.text) {
		if err := p.item(); err != nil {
			return nil, err
		}
	}
	return p.paths, nil
}

type fieldParser struct {
	text    string
	pos     int
	parents []string
	after   bool // an item has ended, a separator must follow
	paths   []FieldPath
	seen    map[string]bool
}

// item reads one separator or one name with all that belongs to it.
func (p *fieldParser) item() error {
	switch c := p.text[p.pos]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		p.pos++
	case c == ',':
		p.pos++
		p.after = false
	case c == ']' || c == ')':
		p.pos++
		p.after = true
		if n := len(p.parents); n > 0 {
			p.parents = p.parents[:n-1]
		}
	case p.after:
		return p.expected(",")
	default:
		return p.field()
	}
	return nil
}

func (p *fieldParser) field() error {
	f := FieldPath{Parents: slices.Clone(p.parents)}
	switch p.text[p.pos] {
	case '!', '-':
		f.Exclude = true
		p.pos++
	case ':':
		f.Preset = true
		p.pos++
	case '*':
		f.Preset, f.Name = true, "all"
		p.pos++
	}
	if f.Name == "" {
		if f.Name = p.name(); f.Name == "" {
			return p.expected("a name character")
		}
	}
	f.Transformers = p.transformers()
	p.add(f)
	p.after = true
	p.blanks()
	if p.pos < len(p.text) && (p.text[p.pos] == '[' || p.text[p.pos] == '(') {
		if len(p.parents) == maxFieldDepth {
			return badParameter("Field expression is nested more than %d levels deep", maxFieldDepth)
		}
		p.pos++
		p.parents = append(p.parents, f.Name)
		p.after = false
	}
	return nil
}

func (p *fieldParser) add(f FieldPath) {
	key := f.String()
	if !p.seen[key] {
		p.seen[key] = true
		p.paths = append(p.paths, f)
	}
}

func (p *fieldParser) name() string {
	start := p.pos
	for p.pos < len(p.text) && nameCharacter(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func nameCharacter(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '.' || c == '-'
}

func (p *fieldParser) blanks() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

// transformers reads what stands behind a name after ::, ~, | or @.
func (p *fieldParser) transformers() []Transformer {
	var list []Transformer
	for {
		rest := p.text[p.pos:]
		switch {
		case strings.HasPrefix(rest, "::"):
			p.pos += 2
		case rest != "" && strings.IndexByte("~|@", rest[0]) >= 0:
			p.pos++
		default:
			return list
		}
		t := Transformer{Name: p.name()}
		if p.pos < len(p.text) && p.text[p.pos] == '(' {
			t.Args = p.arguments()
		}
		list = append(list, t)
	}
}

// arguments reads (a;b) or (a,b).
func (p *fieldParser) arguments() []string {
	p.pos++
	inside, _, closed := strings.Cut(p.text[p.pos:], ")")
	p.pos += len(inside)
	if closed {
		p.pos++
	}
	var args []string
	for _, a := range strings.FieldsFunc(inside, func(c rune) bool { return c == ';' || c == ',' }) {
		args = append(args, strings.TrimSpace(a))
	}
	return args
}

// expected is the parser's error: the text with a caret under the place. Places
// count characters.
func (p *fieldParser) expected(what string) error {
	at := utf8.RuneCountInString(p.text[:p.pos])
	found := "end of input"
	if p.pos < len(p.text) {
		c, _ := utf8.DecodeRuneInString(p.text[p.pos:])
		found = string(c)
	}
	return badParameter("Expected %s at position %d but found: %s\n  %s\n  %s^", what, at, found, p.text, strings.Repeat(" ", at))
}
