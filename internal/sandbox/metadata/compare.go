package metadata

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

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
