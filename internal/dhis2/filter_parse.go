package dhis2

import (
	"regexp"
	"slices"
	"strings"
)

// Filter is one filter expression, path:op[:value], cut into its parts.
type Filter struct {
	Path, Op string
	Value    string
	HasValue bool
}

// operator is what a filter does with a value: one comparison, perhaps negated.
type operator struct {
	kind   comparison
	negate bool
}

type comparison int

const (
	isEqual comparison = iota
	isEqualFold
	isGreater
	isGreaterOrEqual
	isLess
	isLessOrEqual
	isLike
	isLikeFold
	isPrefix
	isPrefixFold
	isSuffix
	isSuffixFold
	isToken
	isIn
	isNull
	isEmpty
)

// operators are those of the normal engine (DHIS2 2.44 DefaultQueryParser).
var operators = map[string]operator{
	"eq": {isEqual, false}, "!eq": {isEqual, true}, "ne": {isEqual, true}, "neq": {isEqual, true},
	"ieq": {isEqualFold, false},
	"gt":  {isGreater, false}, "gte": {isGreaterOrEqual, false}, "ge": {isGreaterOrEqual, false},
	"lt": {isLess, false}, "lte": {isLessOrEqual, false}, "le": {isLessOrEqual, false},
	"like": {isLike, false}, "!like": {isLike, true},
	"$like": {isPrefix, false}, "!$like": {isPrefix, true}, "like$": {isSuffix, false}, "!like$": {isSuffix, true},
	"ilike": {isLikeFold, false}, "!ilike": {isLikeFold, true},
	"startsWith": {isPrefixFold, false}, "$ilike": {isPrefixFold, false}, "!$ilike": {isPrefixFold, true},
	"endsWith": {isSuffixFold, false}, "ilike$": {isSuffixFold, false}, "!ilike$": {isSuffixFold, true},
	"token": {isToken, false}, "!token": {isToken, true},
	"in": {isIn, false}, "!in": {isIn, true},
	"null": {isNull, false}, "!null": {isNull, true}, "empty": {isEmpty, false}, "!empty": {isEmpty, true},
}

// gistOperators are those that only the Gist engine has.
var gistOperators = map[string]operator{
	"!startsWith": {isPrefixFold, true}, "!endsWith": {isSuffixFold, true},
}

func (o operator) unary() bool { return o.kind == isNull || o.kind == isEmpty }

// ParseFilter cuts a filter of the normal engine. The value may hold colons.
func ParseFilter(text string) (Filter, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 2 || len(parts) == 2 && parts[1] == "" {
		return Filter{}, badQuery("Invalid filter => %s", text)
	}
	f := Filter{Path: parts[0], Op: parts[1]}
	if len(parts) == 3 {
		f.Value, f.HasValue = parts[2], true
	}
	return f, nil
}

// ParseFilters cuts several filters.
func ParseFilters(texts []string) ([]Filter, error) {
	filters := make([]Filter, 0, len(texts))
	for _, t := range texts {
		f, err := ParseFilter(t)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

// filterPattern finds the filters in a text with commas, as DHIS2 2.44 does on
// list endpoints: an operator has at most ten characters, a value in brackets may
// hold commas, what fits nowhere is skipped.
var filterPattern = regexp.MustCompile(`[a-zA-Z0-9_.-]+:[!$a-zA-Z]{1,10}(?::(?:\[[^\]]*\]|[^,]*))?`)

// SplitFilters gives the filter expressions of the filter parameters of a list
// endpoint. /api/metadata does not split.
func SplitFilters(params []string) []string {
	joined := strings.Join(params, ",")
	if !strings.Contains(joined, ",") {
		return params
	}
	return slices.DeleteFunc(filterPattern.FindAllString(joined, -1), func(s string) bool { return s == "" })
}

// listOf reads [a,b]; ok is false without the brackets.
func listOf(value string) (items []string, ok bool) {
	if !strings.HasPrefix(value, "[") || !strings.HasSuffix(value, "]") || len(value) < 2 {
		return nil, false
	}
	value = value[1 : len(value)-1]
	if value == "" {
		return nil, true
	}
	return strings.Split(value, ","), true
}
