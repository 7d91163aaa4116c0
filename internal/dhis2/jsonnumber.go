package dhis2

import (
	"fmt"
	"io"
	"strings"
)

// number reads a number and keeps its text.
func (r *JSONReader) number() (Token, error) {
	at := r.Position()
	r.scratch = r.scratch[:0]
	r.take('-')
	if !r.digits() {
		return Token{}, r.inNumber("expected digit (0-9) to follow minus sign, for valid numeric value")
	}
	first := 0
	if r.scratch[0] == '-' {
		first = 1
	}
	if len(r.scratch) > first+1 && r.scratch[first] == '0' {
		return Token{}, jsonError(at, "Invalid numeric value: Leading zeroes not allowed")
	}
	if r.take('.') && !r.digits() {
		return Token{}, r.inNumber("Decimal point not followed by a digit")
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if !r.digits() {
			return Token{}, r.inNumber("Exponent indicator not followed by a digit")
		}
	}
	if len(r.scratch) > maxNumberLength {
		return Token{}, jsonError(at, "Number value length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNumberLength()`)", len(r.scratch), maxNumberLength)
	}
	if len(r.stack) == 0 && r.more(1) && r.buf[r.pos] > ' ' {
		return Token{}, r.unexpected("Expected space separating root-level values")
	}
	return Token{KindNumber, string(r.scratch), at}, r.soft()
}

// take moves the next character into the scratch if it is c.
func (r *JSONReader) take(c byte) bool {
	if !r.more(1) || r.buf[r.pos] != c {
		return false
	}
	r.scratch = append(r.scratch, c)
	r.pos++
	return true
}

// digits moves a run of digits into the scratch; what is beyond the limit of a
// number is only counted.
func (r *JSONReader) digits() bool {
	n := 0
	for r.more(1) && isDigit(r.buf[r.pos]) {
		if len(r.scratch) <= maxNumberLength {
			r.scratch = append(r.scratch, r.buf[r.pos])
		}
		r.pos++
		n++
	}
	return n > 0
}

// soft is a failure of the source that a number's end hid.
func (r *JSONReader) soft() error {
	if r.pos == r.end && r.failed != nil {
		if err := r.failure(); err != io.EOF {
			return err
		}
	}
	return nil
}

func (r *JSONReader) inNumber(why string) error {
	if !r.more(1) {
		if err := r.failure(); err != io.EOF {
			return err
		}
		return jsonError(r.Position(), "Unexpected end-of-input in a Number value")
	}
	return jsonError(r.Position(), "Unexpected character (%s) in numeric value: %s", shown(r.runeAt(r.pos)), why)
}

// word reads true, false or null.
func (r *JSONReader) word(want string, kind Kind) (Token, error) {
	at := r.Position()
	if !r.more(len(want)) || string(r.buf[r.pos:r.pos+len(want)]) != want {
		return Token{}, r.unrecognized()
	}
	if r.more(len(want)+1) && identifier(r.buf[r.pos+len(want)]) {
		return Token{}, r.unrecognized()
	}
	r.pos += len(want)
	return Token{Kind: kind, At: at}, nil
}

func identifier(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}

// unrecognized is the error for a word that JSON does not have. Jackson shows up
// to 256 characters of it.
func (r *JSONReader) unrecognized() error {
	at, n := r.Position(), 0
	for n < 256 && r.more(n+1) && identifier(r.buf[r.pos+n]) {
		n++
	}
	word := strings.ToValidUTF8(string(r.buf[r.pos:r.pos+n]), "\uFFFD")
	if word == "NaN" {
		return jsonError(at, "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow")
	}
	return jsonError(at, "Unrecognized token '%s': was expecting %s", word, valueExpected)
}

func (r *JSONReader) unexpected(format string, args ...any) error {
	return jsonError(r.Position(), "Unexpected character (%s): %s", shown(r.runeAt(r.pos)), fmt.Sprintf(format, args...))
}
