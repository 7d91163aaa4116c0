package main

import (
	"errors"
	"strings"
)

// shellWords splits a line as a POSIX shell would, without expanding anything.
// Backslash and line feed join lines.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started := false
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'':
			if c == '\'' {
				quote = 0
			} else {
				word.WriteByte(c)
			}
		case c == '\\' && i+1 < len(line) && (quote == 0 || strings.IndexByte("\"\\$`\n", line[i+1]) >= 0):
			i++
			if line[i] != '\n' {
				word.WriteByte(line[i])
				started = true
			}
		case quote == '"':
			if c == '"' {
				quote = 0
			} else {
				word.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, started = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteByte(c)
			started = true
		}
	}
	if quote != 0 {
		return nil, errors.New("curl: a quote is not closed")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}
