package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// jacksonError is Jackson's complaint about a text that is no JSON, as far as the
// recorded servers showed it.
func jacksonError(body string) string {
	trimmed := strings.TrimSpace(body)
	if i := strings.IndexFunc(trimmed, func(r rune) bool { return !unicode.IsLetter(r) }); trimmed != "" && i != 0 {
		word := trimmed
		if i > 0 {
			word = trimmed[:i]
		}
		return fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", word)
	}
	opened, inside, at := openedAt(body)
	switch {
	case opened == 0:
		return "Unexpected character in the body"
	case inside:
		return fmt.Sprintf("Unexpected end-of-input within/between %s entries", containerName(opened))
	}
	line := 1 + strings.Count(body[:at], "\n")
	column := at - strings.LastIndexByte(body[:at], '\n')
	return fmt.Sprintf("Unexpected end-of-input: expected close marker for %s (start marker at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d])", containerName(opened), line, column)
}

func containerName(open byte) string {
	if open == '[' {
		return "Array"
	}
	return "Object"
}

// openedAt finds the innermost container that a body never closes, where it
// begins, and whether something stands in it already. It returns 0 for a body that
// is broken in another way.
func openedAt(body string) (open byte, inside bool, at int) {
	type level struct {
		open byte
		at   int
		n    int
	}
	var stack []level
	d := json.NewDecoder(strings.NewReader(body))
	for {
		t, err := d.Token()
		if err != nil {
			if len(stack) == 0 || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, false, 0
			}
			l := stack[len(stack)-1]
			return l.open, l.n > 0, l.at
		}
		if delim, ok := t.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) > 0 {
			stack[len(stack)-1].n++
		}
		if delim, ok := t.(json.Delim); ok {
			stack = append(stack, level{byte(delim), int(d.InputOffset()) - 1, 0})
		}
	}
}
