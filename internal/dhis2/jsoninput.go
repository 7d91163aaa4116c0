package dhis2

import (
	"errors"
	"io"
)

// skipSpace returns the next character that is no blank without taking it.
func (r *JSONReader) skipSpace() (byte, error) {
	for r.more(1) {
		switch c := r.buf[r.pos]; c {
		case ' ', '\t', '\r':
			r.pos++
		case '\n':
			r.pos++
			r.newLine()
		default:
			if c < 0x20 {
				return 0, jsonError(r.Position(), "Illegal character (%s): only regular white space (\\r, \\n, \\t) is allowed between tokens", shown(rune(c)))
			}
			return c, nil
		}
	}
	return 0, r.failure()
}

func (r *JSONReader) newLine() {
	r.line++
	r.lineOffset = r.offset + r.pos
}

// more makes sure that n bytes can be looked at.
func (r *JSONReader) more(n int) bool {
	for r.end-r.pos < n {
		if r.src == nil || r.failed != nil {
			return false
		}
		r.fill()
	}
	return true
}

// fill reads a block behind what is still to be looked at.
func (r *JSONReader) fill() {
	copy(r.buf, r.buf[r.pos:r.end])
	r.offset += r.pos
	r.end -= r.pos
	r.pos = 0
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if r.failed = err; n > 0 || err != nil {
			return
		}
	}
	r.failed = io.ErrNoProgress
}

// failure is why no more bytes come: io.EOF, or what the source says.
func (r *JSONReader) failure() error {
	if r.failed != nil && !errors.Is(r.failed, io.EOF) {
		return r.failed
	}
	return io.EOF
}
