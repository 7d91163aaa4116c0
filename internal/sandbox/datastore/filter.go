package datastore

import (
	"regexp"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// kind of comparison of an operator.
type comparison uint8

const (
	isNull comparison = iota
	isEmpty
	inList
	equal
	less
	lessOrEqual
	greater
	greaterOrEqual
	contains
	startsWith
	endsWith
)

// operator is one row of the table of operators.
type operator struct {
	compare comparison
	negated bool
	fold    bool // ignoring case
}

func (o operator) unary() bool { return o.compare <= isEmpty }
func (o operator) like() bool  { return o.compare >= contains }

// operators, by name in lower case (DHIS2 2.44 DatastoreQuery.Comparison).
var operators = map[string]operator{
	"null": {compare: isNull}, "!null": {compare: isNull, negated: true},
	"empty": {compare: isEmpty}, "!empty": {compare: isEmpty, negated: true},
	"in": {compare: inList}, "!in": {compare: inList, negated: true},
	"eq": {compare: equal}, "!eq": {compare: equal, negated: true}, "neq": {compare: equal, negated: true}, "ne": {compare: equal, negated: true},
	"ieq": {compare: equal, fold: true},
	"lt":  {compare: less}, "lte": {compare: lessOrEqual}, "le": {compare: lessOrEqual},
	"gt": {compare: greater}, "gte": {compare: greaterOrEqual}, "ge": {compare: greaterOrEqual},
	"like": {compare: contains}, "!like": {compare: contains, negated: true},
	"$like": {compare: startsWith}, "!$like": {compare: startsWith, negated: true},
	"like$": {compare: endsWith}, "!like$": {compare: endsWith, negated: true},
	"ilike": {compare: contains, fold: true}, "!ilike": {compare: contains, fold: true, negated: true},
	"$ilike": {compare: startsWith, fold: true}, "!$ilike": {compare: startsWith, fold: true, negated: true},
	"startswith": {compare: startsWith, fold: true}, "!startswith": {compare: startsWith, fold: true, negated: true},
	"ilike$": {compare: endsWith, fold: true}, "!ilike$": {compare: endsWith, fold: true, negated: true},
	"endswith": {compare: endsWith, fold: true}, "!endswith": {compare: endsWith, fold: true, negated: true},
}

// operatorList is how DHIS2 names them all: in the order of a hash map.
const operatorList = "startswith, !in, !$like, lt, endswith, !eq, like$, empty, ieq, $like, !endswith, gte, neq, lte, !empty, ge, !like$, in, like, !startswith, !$ilike, !null, eq, gt, null, $ilike, ilike$, !ilike, ne, !ilike$, le, ilike, !like"

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

// likePattern makes a pattern of SQL's LIKE, in which * is written for %, into an
// expression.
func likePattern(s string, op operator) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s")
	if op.fold {
		b.WriteByte('i')
	}
	b.WriteString(")^")
	if op.compare != startsWith {
		b.WriteString(".*")
	}
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*' || r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if op.compare != endsWith {
		b.WriteString(".*")
	}
	b.WriteByte('$')
	return regexp.MustCompile(b.String())
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
