package metadata

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits of Jackson's StreamReadConstraints (2.15 and later).
const (
	maxDepth  = 1000
	maxNumber = 1000      // characters
	maxString = 20000000  // bytes
	maxObject = 256 << 20 // bytes of one captured value: ours, so that memory stays bounded
)

const redactedSource = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]"

// jsonError is what is wrong with a JSON text, in the words of Jackson 2.18.
type jsonError struct {
	msg       string
	line, col int // of the place, from 1; col 0 when Jackson gives the line alone
}

// Error is the text with its place, as the import answers it.
func (e *jsonError) Error() string {
	if e.col == 0 {
		return fmt.Sprintf("%s\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d]", e.msg, e.line)
	}
	return e.msg + "\n at " + fmt.Sprintf(redactedSource, e.line, e.col)
}

// scanner reads JSON as a stream and checks it as Jackson would. It keeps no more
// than its buffer and the value that is being captured.
type scanner struct {
	r         io.Reader
	buf       []byte
	pos, end  int
	err       error // of r, io.EOF at the end
	line, col int   // of the next byte
	capturing bool
	captured  []byte
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 32<<10), line: 1, col: 1}
}

// peek is the next byte; ok is false at the end. A failing reader is an error.
func (s *scanner) peek() (b byte, ok bool, err error) {
	for s.pos == s.end {
		if s.err != nil {
			if errors.Is(s.err, io.EOF) {
				return 0, false, nil
			}
			return 0, false, s.err
		}
		n, err := s.r.Read(s.buf)
		s.pos, s.end, s.err = 0, n, err
	}
	return s.buf[s.pos], true, nil
}

// take consumes the byte that peek gave.
func (s *scanner) take() {
	b := s.buf[s.pos]
	if s.capturing {
		s.captured = append(s.captured, b)
	}
	s.pos++
	if b == '\n' {
		s.line, s.col = s.line+1, 1
	} else {
		s.col++
	}
}

func (s *scanner) fail(format string, args ...any) error {
	return &jsonError{fmt.Sprintf(format, args...), s.line, s.col}
}

// skipSpace moves to the next byte that is no white space.
func (s *scanner) skipSpace() (b byte, ok bool, err error) {
	for {
		b, ok, err = s.peek()
		if err != nil || !ok {
			return b, ok, err
		}
		switch b {
		case ' ', '\t', '\n', '\r':
			s.take()
		default:
			return b, true, nil
		}
	}
}

// frame is an open object or array.
type frame struct {
	close     byte
	line, col int
}

func (f frame) name() string {
	if f.close == '}' {
		return "Object"
	}
	return "Array"
}

func (s *scanner) unclosed(f frame) error {
	return s.fail("Unexpected end-of-input: expected close marker for %s (start marker at %s)", f.name(), fmt.Sprintf(redactedSource, f.line, f.col))
}

func (s *scanner) wrongClose(b byte, f frame) error {
	return s.fail("Unexpected close marker '%c': expected '%c' (for %s starting at %s)", b, f.close, f.name(), fmt.Sprintf(redactedSource, f.line, f.col))
}

func unexpected(b byte) string {
	return fmt.Sprintf("Unexpected character ('%c' (code %d))", b, b)
}

// open consumes { or [ and returns its frame.
func (s *scanner) open(b byte, depth int) (frame, error) {
	f := frame{close: '}', line: s.line, col: s.col}
	if b == '[' {
		f.close = ']'
	}
	s.take()
	if depth >= maxDepth {
		return f, s.fail("Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", depth+1, maxDepth)
	}
	return f, nil
}

// more moves to the next entry of an open object or array: true when there is
// one, false when it was closed. First says that no entry was read yet.
func (s *scanner) more(f frame, first bool) (bool, error) {
	b, ok, err := s.skipSpace()
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, s.unclosed(f)
	case b == f.close:
		s.take()
		return false, nil
	case b == '}' || b == ']':
		return false, s.wrongClose(b, f)
	case first:
		return true, nil
	case b != ',':
		return false, s.fail("%s: was expecting comma to separate %s entries", unexpected(b), f.name())
	}
	s.take()
	b, ok, err = s.skipSpace()
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, s.fail("Unexpected end-of-input within/between %s entries", f.name())
	case b == '}' || b == ']':
		if f.close == '}' {
			return false, s.fail("%s: was expecting double-quote to start field name", unexpected(b))
		}
		return false, s.fail("%s: expected a value", unexpected(b))
	}
	return true, nil
}

// key reads a member's name and its colon. The name is given as written, without
// quotes.
func (s *scanner) key(f frame) (string, error) {
	b, _, err := s.skipSpace()
	if err != nil {
		return "", err
	}
	if b != '"' {
		return "", s.fail("%s: was expecting double-quote to start field name", unexpected(b))
	}
	name, err := s.text(true)
	if err != nil {
		return "", err
	}
	b, ok, err := s.skipSpace()
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", s.fail("Unexpected end-of-input within/between %s entries", f.name())
	case b != ':':
		return "", s.fail("%s: was expecting a colon to separate field name and value", unexpected(b))
	}
	s.take()
	if _, ok, err = s.skipSpace(); err != nil {
		return "", err
	} else if !ok {
		return "", s.fail("Unexpected end-of-input within/between %s entries", f.name())
	}
	return name, nil
}

// value checks and consumes one value.
func (s *scanner) value(depth int) error {
	b, ok, err := s.skipSpace()
	switch {
	case err != nil:
		return err
	case !ok:
		return s.fail("Unexpected end-of-input")
	case len(s.captured) > maxObject:
		return s.fail("Value is longer than %d bytes", maxObject)
	}
	switch {
	case b == '{' || b == '[':
		return s.container(b, depth)
	case b == '"':
		_, err := s.text(false)
		return err
	case b == '-' || b >= '0' && b <= '9':
		return s.number()
	case b == '_' || b|0x20 >= 'a' && b|0x20 <= 'z':
		return s.word()
	}
	return s.fail("%s: expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", unexpected(b))
}

func (s *scanner) container(b byte, depth int) error {
	f, err := s.open(b, depth)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(f, first)
		if err != nil || !more {
			return err
		}
		if f.close == '}' {
			if _, err := s.key(f); err != nil {
				return err
			}
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
}

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

// capture reads one value and returns its text, which is valid until the next.
func (s *scanner) capture(depth int) ([]byte, error) {
	if _, _, err := s.skipSpace(); err != nil {
		return nil, err
	}
	s.capturing, s.captured = true, s.captured[:0]
	err := s.value(depth)
	s.capturing = false
	return s.captured, err
}

// drain reads the rest, which Jackson does not look at, so that a compressed body is
// known to be whole.
func (s *scanner) drain() error {
	for s.err == nil {
		_, s.err = s.r.Read(s.buf)
	}
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}
