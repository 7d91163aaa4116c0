package jsonb

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// refuse keeps the database's first objection, worded as PostgreSQL 15 and its
// JDBC driver word it; end is where the offending token ends.
func (p *parser) refuse(what, detail string, end int) {
	if p.db != nil {
		return
	}
	msg := "ERROR: " + what
	if detail != "" {
		msg += "\n  Detail: " + detail + "\n  Where: " + p.where(end)
	}
	p.db = &DatabaseError{Message: msg + "\nunnamed portal parameter $8 = '...'"}
}

// where is PostgreSQL's report_json_context: the line up to the token, cut to 50
// bytes.
func (p *parser) where(end int) string {
	before := p.s[:end]
	line := strings.Count(before, "\n") + 1
	start := strings.LastIndexByte(before, '\n') + 1
	prefix := ""
	for end-start >= 50 {
		_, n := utf8.DecodeRuneInString(p.s[start:])
		start += n
		prefix = "..."
	}
	suffix := ""
	if end < len(p.s) && p.s[end] != '\n' && p.s[end] != '\r' {
		suffix = "..."
	}
	return fmt.Sprintf("JSON data, line %d: %s%s%s", line, prefix, p.s[start:end], suffix)
}
