package metadata

import (
	"errors"
	"fmt"
	"io"
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

func unexpected(b byte) string {
	return fmt.Sprintf("Unexpected character ('%c' (code %d))", b, b)
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
