package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// field is one key of the file: what it means, and how its value is read.
type field struct {
	name  string
	typ   string // of the JSON schema
	about string
	enum  []string
	read  func(d *decoder, n ast.Node)
	sub   []field // of a mapping, or of the mappings in a list
}

// decoder reads the syntax tree and collects every problem with its position.
type decoder struct {
	dir      string // folder that relative paths count from
	path     []string
	at       map[string]Problem // where a value stands, by its path
	set      map[string]bool    // which paths the file names
	problems []Problem
	warnings []Problem
}

func newDecoder(dir string) *decoder {
	return &decoder{dir: dir, at: map[string]Problem{}, set: map[string]bool{}}
}

// syntaxWords says what to do about the mistake that cannot be seen.
func syntaxWords(message string) string {
	if strings.Contains(message, "'\t'") {
		return "a tab; YAML is indented with spaces"
	}
	return message
}

// parse gives the one mapping of the file, or nil and a problem.
func (d *decoder) parse(text []byte) ast.Node {
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p := Problem{Message: err.Error()}
		if s, ok := errors.AsType[*yaml.SyntaxError](err); ok && s.Token != nil {
			p = Problem{s.Token.Position.Line, s.Token.Position.Column, "not valid YAML: " + syntaxWords(s.Message)}
		}
		d.problems = append(d.problems, p)
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			d.complain(doc.Body, "one file holds one document")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		d.problems = append(d.problems, Problem{1, 1, "the file is empty"})
	}
	return root
}

func (d *decoder) key() string { return strings.Join(d.path, ".") }

func position(n ast.Node) (line, col int) {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0, 0
	}
	p := n.GetToken().Position
	return p.Line, p.Column
}

// complain records a problem at a node.
func (d *decoder) complain(n ast.Node, format string, args ...any) {
	line, col := position(n)
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		line, col = position(m.Values[0].Key)
	}
	d.problems = append(d.problems, Problem{line, col, fmt.Sprintf(format, args...)})
}

// place gives the position of a path, or of what is nearest above it.
func (d *decoder) place(path string) Problem {
	for p := path; ; {
		if at, ok := d.at[p]; ok {
			return at
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			return Problem{Line: 1, Col: 1}
		}
		p = p[:i]
	}
}

// wrong records a problem of a value that was read well but cannot be right.
func (d *decoder) wrong(path, format string, args ...any) {
	p := d.place(path)
	p.Message = fmt.Sprintf(format, args...)
	d.problems = append(d.problems, p)
}

func (d *decoder) warn(path, format string, args ...any) {
	p := d.place(path)
	p.Message = fmt.Sprintf(format, args...)
	d.warnings = append(d.warnings, p)
}

// sorted gives the problems by line, each once.
func sorted(list []Problem) []Problem {
	slices.SortStableFunc(list, func(a, b Problem) int { return (a.Line-b.Line)*10000 + a.Col - b.Col })
	return slices.Compact(list)
}

// pairs lists the entries of a mapping; ok is false, with a problem, if n is none.
func (d *decoder) pairs(n ast.Node) (list []*ast.MappingValueNode, ok bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	d.complain(n, "%s must be a mapping (key: value)", d.named())
	return nil, false
}

func (d *decoder) named() string {
	if len(d.path) == 0 {
		return "the file"
	}
	return d.key()
}

// mapping reads the entries of a mapping by a table of its keys.
func (d *decoder) mapping(n ast.Node, fields []field) {
	list, ok := d.pairs(n)
	if !ok {
		return
	}
	seen := map[string]int{}
	for _, kv := range list {
		name, ok := d.keyName(kv)
		if !ok {
			continue
		}
		if line, twice := seen[name]; twice {
			d.complain(kv.Key, "%q is there twice: first in line %d", name, line)
			continue
		}
		seen[name], _ = position(kv.Key)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			d.unknown(kv, name, fields)
			continue
		}
		d.under(name, kv, func() { fields[i].read(d, kv.Value) })
	}
}

func (d *decoder) keyName(kv *ast.MappingValueNode) (string, bool) {
	s, ok := kv.Key.(*ast.StringNode)
	if !ok {
		d.complain(kv.Key, "this is no plain key")
		return "", false
	}
	return s.Value, true
}

// name is keyName for names that the operator gives.
func (d *decoder) name(kv *ast.MappingValueNode) (string, bool) {
	key, ok := d.keyName(kv)
	if ok && (key == "" || strings.ContainsAny(key, ".[]\" \t")) {
		d.complain(kv.Key, "%q is no name: write letters, digits, - and _", key)
		return "", false
	}
	return key, ok
}

func (d *decoder) unknown(kv *ast.MappingValueNode, name string, fields []field) {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	if _, bare := kv.Value.(*ast.NullNode); bare && suggest(name, names) == "" { // perhaps the rest of a value with a comma
		name = "…"
	}
	hint := ""
	if s := suggest(name, names); s != "" {
		d.set[strings.Join(append(slices.Clone(d.path), s), ".")] = true // it was meant, so it is not missing too
		hint = fmt.Sprintf("; did you mean %q?", s)
	} else if len(names) <= 12 {
		hint = "; known here: " + strings.Join(names, ", ")
	}
	where := ""
	if len(d.path) > 0 {
		where = " in " + d.key()
	}
	d.complain(kv.Key, "unknown key %q%s%s", name, where, hint)
}

// under reads a value with its name on the path.
func (d *decoder) under(name string, kv *ast.MappingValueNode, read func()) {
	d.path = append(slices.Clone(d.path), name)
	defer func() { d.path = d.path[:len(d.path)-1] }()
	line, col := position(kv.Value)
	if _, isMap := kv.Value.(*ast.MappingNode); isMap || line == 0 {
		line, col = position(kv.Key)
	}
	d.at[d.key()] = Problem{Line: line, Col: col}
	d.set[d.key()] = true
	if d.plain(kv.Value, kv.Key) {
		read()
	}
}

// plain refuses what makes a file hard to review: nothing, aliases, tags.
func (d *decoder) plain(n ast.Node, key ast.Node) bool {
	switch n.(type) {
	case nil, *ast.NullNode:
		d.complain(key, "%s has no value", d.key())
		return false
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.complain(n, "anchors, aliases and tags are not taken here: write the value out")
		return false
	}
	return true
}

// items reads a sequence, each item under its number.
func (d *decoder) items(n ast.Node, read func(n ast.Node)) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.complain(n, "%s must be a list", d.key())
		return
	}
	base := d.path
	for i, item := range seq.Values {
		d.path = slices.Clone(base)
		d.path[len(d.path)-1] += "[" + strconv.Itoa(i) + "]"
		line, col := position(item)
		if m, isMap := item.(*ast.MappingNode); isMap && len(m.Values) > 0 && !m.IsFlowStyle {
			line, col = position(m.Values[0].Key)
		}
		d.at[d.key()] = Problem{Line: line, Col: col}
		if d.plain(item, seq) {
			read(item)
		}
	}
	d.path = base
}

// text gives a scalar as written, without its quotes.
func (d *decoder) text(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(v.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NanNode, *ast.InfinityNode:
		return n.GetToken().Value, true
	}
	d.complain(n, "%s must be a single value", d.key())
	return "", false
}
