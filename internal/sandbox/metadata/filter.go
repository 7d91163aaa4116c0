package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// filter is one condition on the objects of a type: a path of members, an operator
// and a value.
type filter struct {
	text  string
	path  []step
	op    string // without its negation
	not   bool
	value string
	list  []string // of in
	final *property
	size  bool // compares the size of a collection
}

// step is one member on the way, or an attribute by its uid.
type step struct {
	name string
	prop *property
	typ  *schema // of the object that has the member
	attr string  // uid of an attribute, "" for a member
}

// operators are those of the query engine, with the one they are short for
// (DHIS2 2.44 DefaultQueryParser.java).
var operators = map[string]string{
	"eq": "eq", "!eq": "!eq", "ne": "!eq", "neq": "!eq", "ieq": "ieq", "gt": "gt", "gte": "ge", "ge": "ge", "lt": "lt", "lte": "le", "le": "le",
	"like": "like", "!like": "!like", "$like": "$like", "!$like": "!$like", "like$": "like$", "!like$": "!like$",
	"ilike": "ilike", "!ilike": "!ilike", "startsWith": "$ilike", "$ilike": "$ilike", "!$ilike": "!$ilike", "endsWith": "ilike$", "ilike$": "ilike$", "!ilike$": "!ilike$",
	"token": "token", "!token": "!token", "in": "in", "!in": "!in", "null": "null", "!null": "!null", "empty": "empty", "!empty": "!empty",
}

// parseFilters reads filters for a type. Errors are 400s of the code E1003 with
// DHIS2's words.
func (s *schema) parseFilters(cat *catalog, texts []string) ([]*filter, error) {
	out := make([]*filter, 0, len(texts))
	for _, t := range texts {
		f, err := s.parseFilter(cat, t)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func badFilter(format string, args ...any) error {
	return problem.New(400, "E1003", format, args...)
}

func (s *schema) parseFilter(cat *catalog, text string) (*filter, error) {
	cut, err := dhis2.ParseFilter(text)
	if q, ok := errors.AsType[*dhis2.QueryError](err); ok {
		return nil, problem.New(q.Status, q.Code, "%s", q.Message)
	}
	if err != nil {
		return nil, err
	}
	f := &filter{text: text, op: cut.Op, value: cut.Value}
	name := cut.Path
	if name == "attributeValues.attribute.id" && f.op == "eq" { // DHIS2 rewrites it
		name, f.op, f.value = f.value, "!null", ""
	}
	if err := f.resolve(cat, s, name); err != nil {
		return nil, err
	}
	canonical, ok := operators[f.op]
	if !ok {
		return nil, badFilter("`%s` is not a valid operator.", f.op)
	}
	f.op, f.not = strings.TrimPrefix(canonical, "!"), strings.HasPrefix(canonical, "!")
	return f, f.check()
}

// resolve finds the members of a path.
func (f *filter) resolve(cat *catalog, s *schema, path string) error {
	if path == "identifiable" {
		f.path = []step{{name: path}}
		return nil
	}
	typ := s
	names := strings.Split(path, ".")
	for i, name := range names {
		if typ == nil {
			return badFilter("Simple type was found before finished parsing path expression, please check your path string.")
		}
		p := typ.byName[name]
		if p == nil && dhis2.IsUID(name) && typ.byName["attributeValues"] != nil {
			f.path = append(f.path, step{name: name, typ: typ, attr: name})
			typ = nil
			continue
		}
		if p != nil && p.kind == kShare && i < len(names)-1 {
			f.path = append(f.path, step{name: name, prop: p, typ: typ}, step{name: strings.Join(names[i+1:], ".")})
			f.size = true
			return nil
		}
		if p == nil || p.kind == kPassword {
			return badFilter("Unknown path property: %s", strings.Join(names[:i+1], "."))
		}
		f.path = append(f.path, step{name: name, prop: p, typ: typ})
		f.final = p
		typ = nil
		if p.item != nil {
			typ = p.item
		}
	}
	if f.final != nil && f.final.isCollection() && f.path[len(f.path)-1].attr == "" {
		f.size = f.final.kind == kRefs || f.final.kind == kObjs
	}
	return nil
}

// check reads the value as what the member holds.
func (f *filter) check() error {
	if f.op == "null" || f.op == "empty" {
		return nil
	}
	if f.op == "in" {
		v, ok := strings.CutPrefix(f.value, "[")
		if ok {
			v, ok = strings.CutSuffix(v, "]")
		}
		if !ok {
			return badFilter("Collection size must be integer `%s`", f.value)
		}
		f.list = []string{}
		if v != "" {
			f.list = strings.Split(v, ",")
		}
		for i := range f.list {
			f.list[i] = strings.TrimSpace(f.list[i])
		}
		return nil
	}
	if f.size {
		if _, err := strconv.Atoi(f.value); err != nil {
			return badFilter("Collection size must be integer `%s`", f.value)
		}
		return nil
	}
	return f.checkValue()
}

func (f *filter) checkValue() error {
	if f.final == nil {
		return nil
	}
	kind := ""
	switch f.final.kind {
	case kInt:
		kind = "Integer"
		if _, err := strconv.Atoi(f.value); err != nil {
			return badFilter("Unable to parse `%s` as `Integer`.", f.value)
		}
	case kNum:
		kind = "Double"
		if v, err := strconv.ParseFloat(f.value, 64); err != nil || math.IsNaN(v) {
			return badFilter("Unable to parse `%s` as `Double`.", f.value)
		}
	case kDate:
		kind = "Date"
		t, ok := parseDate(f.value)
		if !ok {
			return badFilter("Unable to parse `%s` as `Date`.", f.value)
		}
		f.value = stamp(t)
	case kBool:
		kind = "Boolean"
		if f.op != "ieq" {
			f.value = strconv.FormatBool(strings.EqualFold(f.value, "true"))
		}
	case kEnum:
		if !slices.Contains(f.final.enum.values, f.value) {
			return badFilter("Unable to parse `%s` as `class org.hisp.dhis.%s`, available values are: [%s]", f.value, f.final.enum.klass, strings.Join(f.final.enum.values, ", "))
		}
	}
	if kind != "" && f.op == "ieq" {
		return badFilter("Value `%s` of type `%s` is not supported by this operator.", f.value, kind)
	}
	return nil
}

// matcher evaluates filters on documents.
type matcher struct {
	ctx context.Context
	s   *Service
	q   querier
	// cache holds documents that paths lead to, bounded.
	cache map[string]document
}

func (s *Service) matcher(ctx context.Context, q querier) *matcher {
	return &matcher{ctx: ctx, s: s, q: q, cache: map[string]document{}}
}

// all reports whether a document passes the filters, joined by and, or by or.
func (m *matcher) all(filters []*filter, or bool, typ *schema, doc document) (bool, error) {
	for _, f := range filters {
		ok, err := m.one(f, typ, doc)
		if err != nil {
			return false, err
		}
		if ok == or {
			return or, nil
		}
	}
	return !or || len(filters) == 0, nil
}

func (m *matcher) one(f *filter, typ *schema, doc document) (bool, error) {
	if f.path[0].name == "identifiable" && f.path[0].prop == nil {
		return f.identifiable(doc) != f.not, nil
	}
	values, err := m.values(f.path, typ, doc, f)
	if err != nil {
		return false, err
	}
	switch {
	case f.op == "null":
		return (len(values) == 0) != f.not, nil
	case f.op == "empty":
		return (len(values) == 0) != f.not, nil
	case f.size && f.op != "in":
		return compareOp(f.op, float64(len(values)), mustFloat(f.value)) != f.not, nil
	}
	for _, v := range values {
		if f.matches(v) != f.not {
			return true, nil
		}
	}
	return false, nil
}

func mustFloat(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

// values gathers what a path leads to; nothing for what is null.
func (m *matcher) values(path []step, typ *schema, doc document, f *filter) ([]any, error) {
	st := path[0]
	if st.attr != "" {
		for _, v := range listOf(doc, "attributeValues") {
			a, _ := v.(map[string]any)
			if idOf(a["attribute"]) == st.attr {
				return []any{a["value"]}, nil
			}
		}
		return nil, nil
	}
	if st.prop.kind == kShare {
		if len(path) == 1 {
			return []any{sharingOf(doc)}, nil
		}
		members, _ := sharingOf(doc)[path[1].name].(map[string]any)
		out := make([]any, 0, len(members))
		for k := range members {
			out = append(out, k)
		}
		return out, nil
	}
	if len(path) == 1 {
		return m.finals(st, typ, doc)
	}
	docs, err := m.follow(st, typ, doc)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, d := range docs {
		if path[1].name == "id" && d["id"] != nil { // no need to load what is only named
			out = append(out, d["id"])
			continue
		}
		full, err := m.load(st.prop, d)
		if err != nil {
			return nil, err
		}
		more, err := m.values(path[1:], st.prop.item, full, f)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// finals are the values of the last member of a path.
func (m *matcher) finals(st step, typ *schema, doc document) ([]any, error) {
	p := st.prop
	if p.inverse != nil {
		docs, err := m.follow(st, typ, doc)
		out := make([]any, len(docs))
		for i := range docs {
			out[i] = docs[i]["id"]
		}
		return out, err
	}
	v := doc[p.name]
	if p.calc && !(p.calcOwner && v != nil) {
		r := m.s.renderer(m.ctx, m.q, &User{Authorities: []string{"ALL"}}, "")
		var err error
		if v, err = r.calculated(typ, p, doc, defaultNode("all")); err != nil {
			return nil, err
		}
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
			if uid := idOf(v[i]); uid != "" {
				out[i] = uid
			}
		}
		return out, nil
	case map[string]any:
		if uid := idOf(v); uid != "" {
			return []any{uid}, nil
		}
		return []any{v}, nil
	}
	return []any{v}, nil
}

// follow are the documents, or references, that a member leads to.
func (m *matcher) follow(st step, typ *schema, doc document) ([]document, error) {
	p := st.prop
	if p.inverse != nil {
		property := p.inverse.property
		if p.inverse.part != "" {
			property += "." + p.inverse.part
		}
		by, err := referrers(m.ctx, m.q, m.s.cat, typ, textOf(doc, "id"), p.inverse.typ, property)
		if err != nil {
			return nil, err
		}
		out := make([]document, len(by))
		for i, o := range by {
			out[i] = o.doc
		}
		return out, nil
	}
	var out []document
	switch v := doc[p.name].(type) {
	case map[string]any:
		out = append(out, v)
	case []any:
		for _, item := range v {
			if d, ok := item.(map[string]any); ok {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// load reads the object of a reference; what is embedded or there already is itself.
func (m *matcher) load(p *property, d document) (document, error) {
	uid := textOf(d, "id")
	if p.inverse != nil || p.item == nil || !p.item.stored() || uid == "" {
		return d, nil
	}
	key := p.item.singular + " " + uid
	if c, ok := m.cache[key]; ok {
		return c, nil
	}
	o, err := load(m.ctx, m.q, p.item, uid)
	if errors.Is(err, errNoObject) {
		return document{}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(m.cache) < maxKnown {
		m.cache[key] = o.doc
	}
	return o.doc, nil
}

// matches compares one value.
func (f *filter) matches(v any) bool {
	if f.op == "in" {
		return slices.ContainsFunc(f.list, func(want string) bool { return equalText(v, want) })
	}
	switch f.op {
	case "eq":
		return equalText(v, f.value)
	case "gt", "ge", "lt", "le":
		if x, ok := asFloat(v); ok {
			return compareOp(f.op, x, mustFloat(f.value))
		}
		return compareOp(f.op, float64(strings.Compare(plainText(v), f.value)), 0)
	}
	return matchText(f.op, plainText(v), f.value)
}

func equalText(v any, want string) bool {
	if x, ok := asFloat(v); ok {
		y, err := strconv.ParseFloat(want, 64)
		return err == nil && x == y
	}
	return plainText(v) == want
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return string(v)
	}
	return fmt.Sprint(v)
}

func compareOp(op string, x, y float64) bool {
	switch op {
	case "eq":
		return x == y
	case "gt":
		return x > y
	case "ge":
		return x >= y
	case "lt":
		return x < y
	case "le":
		return x <= y
	}
	return false
}

// matchText compares texts: contains, starts, ends, with and without case.
func matchText(op, text, want string) bool {
	want = strings.ReplaceAll(want, "%", "")
	if op == "ieq" || strings.Contains(op, "ilike") {
		text, want = strings.ToLower(text), strings.ToLower(want)
	}
	switch op {
	case "ieq":
		return text == want
	case "like", "ilike":
		return strings.Contains(text, want)
	case "$like", "$ilike":
		return strings.HasPrefix(text, want)
	case "like$", "ilike$":
		return strings.HasSuffix(text, want)
	case "token":
		return tokens(text, want)
	}
	return false
}

var wordBreak = regexp.MustCompile(`[\s@&.?$+\-]+`)

// tokens reports whether every word of want begins a word of text, ignoring case.
func tokens(text, want string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	for _, w := range wordBreak.Split(strings.ToLower(strings.TrimSpace(want)), -1) {
		if w != "" && !slices.ContainsFunc(words, func(t string) bool { return strings.HasPrefix(t, w) }) {
			return false
		}
	}
	return true
}

// identifiable reports whether uid, code, name or short name fit the words. A word
// of less than four characters is no part of a uid.
func (f *filter) identifiable(doc document) bool {
	return identified(doc, f.value)
}

func identified(doc document, want string) bool {
	if uid := textOf(doc, "id"); len(want) >= 11 && uid == want {
		return true
	}
	for _, k := range []string{"name", "shortName", "username", "firstName", "surname", "email"} {
		if v := textOf(doc, k); v != "" && tokens(v, want) {
			return true
		}
	}
	return textOf(doc, "code") == want
}
