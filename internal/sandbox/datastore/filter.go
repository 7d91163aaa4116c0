package datastore

import (
	"regexp"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Filter is one condition of an entries query.
type Filter struct {
	onKey bool
	path  []string // nil is the whole value
	op    operator
	value jsonb.Value    // what it is compared with, of the type that the text has
	never bool           // "{}" and "[]": nothing equals them
	list  []string       // of in
	like  *regexp.Regexp // of like
}

// ParseFilters reads the values of all filter parameters. One empty parameter is
// no filter. Errors: 409 E7650, E7652, E7653 and 409, 400 without a code.
func ParseFilters(params []string) ([]Filter, error) {
	if len(params) == 1 && params[0] == "" {
		return nil, nil
	}
	var out []Filter
	for _, p := range params {
		for _, expression := range splitOutsideBrackets(p) {
			f, err := parseFilter(expression)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// splitOutsideBrackets cuts at commas that are in no [ ].
func splitOutsideBrackets(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth = max(0, depth-1)
		case ',':
			if depth == 0 {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	return append(out, s[start:])
}

var separators = strings.NewReplacer("::", ":", "~", ":", "@", ":")

func parseFilter(expression string) (Filter, error) {
	path, rest, _ := strings.Cut(separators.Replace(expression), ":")
	name, value, _ := strings.Cut(rest, ":")
	if name == "" {
		return Filter{}, problem.New(409, "E7652", "Illegal filter expression `%s`: expected expression of pattern: <property>:<operator>[:<value>]", expression)
	}
	op, ok := operators[strings.ToLower(name)]
	if !ok {
		return Filter{}, problem.Plain409("Unknown operator: `%s` Use one of [%s]", strings.ToUpper(name), operatorList)
	}
	norm, err := NormalisePath(path)
	if err != nil {
		return Filter{}, err
	}
	if why := misused(path, name, value, op); why != "" {
		full := path + ":" + name
		if value != "" {
			full += ":" + value
		}
		return Filter{}, problem.New(409, "E7653", "Illegal filter `%s`: %s", full, why)
	}
	f := Filter{onKey: norm == "_", op: op}
	if !f.onKey {
		f.path = splitPath(norm)
	}
	if op.unary() {
		return f, nil
	}
	return f.withValue(value)
}

// misused tells why an operator does not fit its path or value.
func misused(path, name, value string, op operator) string {
	switch {
	case path == "_" && op.unary():
		return "key filters cannot be used with unary operators"
	case op.unary() && value != "":
		return "the operator `" + name + "` is unary and does not require a value"
	case !op.unary() && strings.TrimSpace(value) == "":
		return "the operator `" + name + "` requires a value"
	}
	return ""
}

var bareNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// withValue gives the filter its value, of the type that the text shows. A number
// or boolean where PostgreSQL wants a text is an error of the query.
func (f Filter) withValue(text string) (Filter, error) {
	list, bracketed := strings.CutPrefix(text, "[")
	number, isNumber := jsonb.Value{}, false
	if bareNumber.MatchString(text) {
		number, isNumber = jsonb.ParseNumber(text)
	}
	isBool := text == "true" || text == "false"
	if (f.onKey || f.op.like() || f.op.compare == inList || f.op.fold) && (isNumber || isBool) {
		return f, queryFailed("ERROR: operator does not exist: " + typeMismatch(f, isBool))
	}
	switch {
	case f.op.compare == inList:
		f.list = splitList(strings.TrimSuffix(list, "]"), bracketed)
	case f.op.like():
		f.like = likePattern(unquote(text), f.op)
	case f.onKey:
		f.value = jsonb.Text(unquote(text))
	case isNumber:
		f.value = number
	case isBool:
		f.value = jsonb.Boolean(text == "true")
	case text == "null":
	case text == "{}" || text == "[]":
		f.value, f.never = mustParse(text), true
	default:
		f.value = jsonb.Text(unquote(text))
	}
	return f, nil
}

func typeMismatch(f Filter, isBool bool) string {
	right := "numeric"
	if isBool {
		right = "boolean"
	}
	left := "text"
	if f.onKey {
		left = "character varying"
	}
	return left + " = " + right
}

func splitList(s string, bracketed bool) []string {
	if !bracketed {
		return []string{unquote(s)}
	}
	return strings.Split(s, ",")
}

func mustParse(s string) jsonb.Value {
	v, err := jsonb.Parse(s)
	if err != nil {
		panic(err) // a literal of this package
	}
	return v
}

// unquote takes off the quotes that make a text of anything.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	return s
}

// matchesText compares a text with what in, like and the rest want.
func (f Filter) matchesText(s string) bool {
	switch {
	case f.op.compare == inList:
		return slices.Contains(f.list, s)
	case f.like != nil:
		return f.like.MatchString(s)
	case f.op.fold:
		return strings.EqualFold(s, f.value.Text())
	}
	return f.op.holds(strings.Compare(s, f.value.Text()))
}
