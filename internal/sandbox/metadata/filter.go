package metadata

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

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
