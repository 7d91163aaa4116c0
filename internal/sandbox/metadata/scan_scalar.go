package metadata

import (
	"fmt"
	"unicode/utf8"
)

// word reads null, true or false.
func (s *scanner) word() error {
	line, col := s.line, s.col
	var w []byte
	for {
		b, ok, err := s.peek()
		if err != nil {
			return err
		}
		if !ok || len(w) > 256 || !(b == '_' || b == '$' || b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9') {
			break
		}
		w = append(w, b)
		s.take()
	}
	switch string(w) {
	case "null", "true", "false":
		return nil
	}
	return &jsonError{fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", w), line, col}
}

// number reads a number.
func (s *scanner) number() error {
	n, digits := 0, 0
	const intPart, fraction, exponent = 0, 1, 2
	state, last, lead := intPart, byte(0), byte(0)
	for {
		b, ok, err := s.peek()
		if err != nil {
			return err
		}
		switch {
		case !ok:
			b = 0
		case b >= '0' && b <= '9':
			if state == intPart && digits == 1 && lead == '0' {
				return s.fail("Invalid numeric value: Leading zeroes not allowed")
			}
			if digits == 0 {
				lead = b
			}
			digits++
		case b == '-' && n == 0, (b == '+' || b == '-') && state == exponent && (last|0x20) == 'e':
		case b == '.' && state == intPart && digits > 0:
			state, digits = fraction, 0
		case b|0x20 == 'e' && state != exponent && digits > 0:
			state, digits = exponent, 0
		default:
			ok = false
		}
		if !ok {
			if digits == 0 {
				if b == 0 {
					return s.fail("Unexpected end-of-input in a Number value")
				}
				return s.fail("%s in numeric value: expected digit to follow", unexpected(b))
			}
			return nil
		}
		last = b
		if n++; n > maxNumber {
			return s.fail("Number value length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNumberLength()`)", n, maxNumber)
		}
		s.take()
	}
}

// text reads a string; want says whether its contents are needed (they are given
// as written, escapes and all).
func (s *scanner) text(want bool) (string, error) {
	s.take()
	var out []byte
	var rest [utf8.UTFMax]byte // of a rune in progress
	have, need := 0, 0
	for n := 0; ; n++ {
		b, ok, err := s.peek()
		switch {
		case err != nil:
			return "", err
		case !ok && want:
			return "", s.fail("Unexpected end-of-input in field name")
		case !ok:
			return "", s.fail("Unexpected end-of-input: was expecting closing quote for a string value")
		case n > maxString:
			return "", s.fail("String value length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxStringLength()`)", n, maxString)
		case want && n > 50000:
			return "", s.fail("Name length (%d) exceeds the maximum allowed (50000, from `StreamReadConstraints.getMaxNameLength()`)", n)
		}
		if need > 0 {
			if b&0xC0 != 0x80 {
				return "", s.fail("Invalid UTF-8 middle byte 0x%02x", b)
			}
			rest[have] = b
			if have++; have == need {
				if r, _ := utf8.DecodeRune(rest[:have]); r == utf8.RuneError && string(rest[:have]) != "\uFFFD" {
					return "", s.fail("Invalid UTF-8 middle byte 0x%02x", b)
				}
				need = 0
			}
		} else if b >= 0x80 {
			if need = runeLength(b); need == 0 {
				return "", s.fail("Invalid UTF-8 start byte 0x%02x", b)
			}
			rest[0], have = b, 1
		} else if b < 0x20 {
			return "", s.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", b)
		} else if b == '"' {
			s.take()
			return string(out), nil
		}
		if want {
			out = append(out, b)
		}
		s.take()
		if b == '\\' {
			esc, err := s.escape()
			if err != nil {
				return "", err
			}
			if want {
				out = append(out, esc...)
			}
		}
	}
}

func runeLength(b byte) int {
	switch {
	case b >= 0xC2 && b <= 0xDF:
		return 2
	case b >= 0xE0 && b <= 0xEF:
		return 3
	case b >= 0xF0 && b <= 0xF4:
		return 4
	}
	return 0
}

// escape reads what follows a backslash.
func (s *scanner) escape() ([]byte, error) {
	b, ok, err := s.peek()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.fail("Unexpected end-of-input in character escape sequence")
	}
	switch b {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.take()
		return []byte{b}, nil
	case 'u':
		out := []byte{b}
		s.take()
		for range 4 {
			b, ok, err := s.peek()
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, s.fail("Unexpected end-of-input in character escape sequence")
			}
			if !(b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f') {
				return nil, s.fail("%s: expected a hex-digit for character escape sequence", unexpected(b))
			}
			out = append(out, b)
			s.take()
		}
		return out, nil
	}
	return nil, s.fail("Unrecognized character escape '%c' (code %d)", b, b)
}
