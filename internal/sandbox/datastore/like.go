package datastore

import (
	"regexp"
	"strings"
)

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
