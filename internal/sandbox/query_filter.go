package sandbox

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// filter is one condition of an entries query.
type filter struct {
	path  string // normalised; "_" is the key, "." the root
	op    string
	value string
	quote bool // the value stood in quotes: a text whatever it looks like
}

// operators in the order in which DHIS2 prints them.
var operators = []string{"startswith", "!in", "!$like", "lt", "endswith", "!eq", "like$", "empty", "ieq", "$like", "!endswith", "gte", "neq", "lte", "!empty", "ge", "!like$", "in", "like",
	"!startswith", "!$ilike", "!null", "eq", "gt", "null", "$ilike", "ilike$", "!ilike", "ne", "!ilike$", "le", "ilike", "!like"}

var canonical = map[string]string{"neq": "!eq", "ne": "!eq", "lte": "le", "gte": "ge", "startswith": "$ilike", "!startswith": "!$ilike", "endswith": "ilike$", "!endswith": "!ilike$"}

var unary = map[string]bool{"null": true, "!null": true, "empty": true, "!empty": true}

// parseFilters reads the filter parameters: repeated, or separated by commas
// outside brackets and quotes.
func parseFilters(params []string) ([]filter, error) {
	var out []filter
	for _, p := range params {
		for _, part := range splitOutside(p) {
			f, err := parseFilter(part)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func splitOutside(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case ',':
			if depth <= 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}

var separators = strings.NewReplacer("::", ":", "~", ":", "@", ":")

func parseFilter(s string) (filter, error) {
	text := separators.Replace(s)
	path, rest, ok := strings.Cut(text, ":")
	if !ok || rest == "" {
		return filter{}, problem.New(http.StatusConflict, "E7652", "Illegal filter expression `%s`: expected expression of pattern: <property>:<operator>[:<value>]", s)
	}
	op, value, hasValue := strings.Cut(rest, ":")
	normal, err := normalPath(path)
	if err != nil {
		return filter{}, err
	}
	name := strings.ToLower(op)
	known := false
	for _, o := range operators {
		known = known || o == name
	}
	if !known {
		return filter{}, problem.Conflict("Unknown operator: `%s` Use one of [%s]", strings.ToUpper(op), strings.Join(operators, ", "))
	}
	illegal := func(format string, args ...any) error {
		shown := path + ":" + op
		if value != "" {
			shown += ":" + value
		}
		return problem.New(http.StatusConflict, "E7653", "Illegal filter `"+shown+"`: "+format, args...)
	}
	switch {
	case unary[name] && normal == "_":
		return filter{}, illegal("key filters cannot be used with unary operators")
	case unary[name] && hasValue && value != "":
		return filter{}, illegal("the operator `%s` is unary and does not require a value", op)
	case !unary[name] && strings.TrimSpace(value) == "":
		return filter{}, illegal("the operator `%s` requires a value", op)
	}
	f := filter{path: normal, op: name, value: value}
	if c, ok := canonical[name]; ok {
		f.op = c
	}
	if len(value) >= 2 && value[0] == '\'' && value[len(value)-1] == '\'' {
		f.value, f.quote = value[1:len(value)-1], true
	}
	return f, nil
}

var bareNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// kind is the type of node that the value looks for.
func (f filter) kind() jsonb.Kind {
	switch {
	case f.quote:
		return jsonb.String
	case f.value == "true" || f.value == "false":
		return jsonb.Bool
	case f.value == "null":
		return jsonb.Null
	case bareNumber.MatchString(f.value):
		return jsonb.Number
	case f.value == "{}":
		return jsonb.Object
	case f.value == "[]":
		return jsonb.Array
	}
	return jsonb.String
}

func (f filter) pattern() bool { return strings.Contains(f.op, "like") }

// runtimeError is what PostgreSQL would say to an operator on the wrong type.
func (f filter) runtimeError() error {
	k := f.kind()
	scalar := k == jsonb.Number || k == jsonb.Bool
	if f.path == "_" && scalar && f.op != "in" && f.op != "!in" || f.pattern() && scalar {
		return problem.BadRequest("Unknown error when running the query: ERROR: operator does not exist: text = %s", map[jsonb.Kind]string{jsonb.Number: "integer", jsonb.Bool: "boolean"}[k])
	}
	if (f.op == "in" || f.op == "!in") && !(strings.HasPrefix(f.value, "[") && strings.HasSuffix(f.value, "]")) && scalar {
		return problem.BadRequest("Unknown error when running the query: ERROR: cannot cast type integer to text[]")
	}
	return nil
}

// matches judges an entry.
func (f filter) matches(key string, root jsonb.Value, valid bool) bool {
	if f.path == "_" {
		return f.text(key)
	}
	if !valid {
		return false
	}
	v, there := root.Get(steps(f.path))
	if !there {
		return false
	}
	switch f.op {
	case "null":
		return v.Kind() == jsonb.Null
	case "!null":
		return v.Kind() != jsonb.Null
	case "empty", "!empty":
		container := v.Kind() == jsonb.String || v.Kind() == jsonb.Array || v.Kind() == jsonb.Object
		none := v.Kind() == jsonb.String && v.Text() == "" || (v.Kind() == jsonb.Array || v.Kind() == jsonb.Object) && v.Len() == 0
		return container && none == (f.op == "empty")
	}
	return f.typed(v)
}

// typed compares a node with the value; a node of another type never matches.
func (f filter) typed(v jsonb.Value) bool {
	k := f.kind()
	if f.op == "in" || f.op == "!in" {
		k = jsonb.String
	}
	if v.Kind() != k {
		return false
	}
	switch k {
	case jsonb.String:
		return f.text(v.Text())
	case jsonb.Number:
		n, ok := jsonb.ParseNumber(f.value)
		return ok && f.compared(jsonb.Compare(v, n))
	case jsonb.Bool:
		return f.compared(jsonb.Compare(v, jsonb.Boolean(f.value == "true")))
	case jsonb.Null:
		return f.op == "eq"
	}
	return false // eq:[] and eq:{} never match
}

func (f filter) compared(c int) bool {
	switch f.op {
	case "eq", "ieq":
		return c == 0
	case "!eq":
		return c != 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	}
	return false
}

func (f filter) text(s string) bool {
	switch f.op {
	case "in", "!in":
		found := false
		for item := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(f.value, "["), "]"), ",") {
			found = found || item == s
		}
		return found == (f.op == "in")
	case "ieq":
		return strings.EqualFold(s, f.value)
	}
	if f.pattern() {
		return f.like(s)
	}
	return f.compared(strings.Compare(s, f.value))
}

// like: $ marks the side that is anchored; * stands for any run of characters.
func (f filter) like(s string) bool {
	op, negated := strings.CutPrefix(f.op, "!")
	value := f.value
	if strings.Contains(op, "ilike") {
		s, value = strings.ToLower(s), strings.ToLower(value)
	}
	pattern := value
	if !strings.HasPrefix(op, "$") {
		pattern = "*" + pattern
	}
	if !strings.HasSuffix(op, "$") {
		pattern += "*"
	}
	return wild(pattern, s) != negated
}

// wild matches a pattern in which * is any run of characters, in linear time.
func wild(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, last)
}
