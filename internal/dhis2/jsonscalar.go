package dhis2

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string from its opening quote. Eof is what to say when it never
// ends.
func (r *JSONReader) str(eof string, limit int) (string, error) {
	r.pos++
	r.scratch = r.scratch[:0]
	ascii := true
	for {
		if !r.more(1) {
			if err := r.failure(); err != io.EOF {
				return "", err
			}
			return "", jsonError(r.Position(), "%s", eof)
		}
		i := r.pos
		for i < r.end && r.buf[i] >= 0x20 && r.buf[i] != '"' && r.buf[i] != '\\' {
			ascii = ascii && r.buf[i] < utf8.RuneSelf
			i++
		}
		r.scratch = append(r.scratch, r.buf[r.pos:i]...)
		r.pos = i
		if len(r.scratch) > limit {
			return "", r.tooLong(limit)
		}
		if i == r.end {
			continue
		}
		switch c := r.buf[i]; c {
		case '"':
			r.pos++
			if !ascii && !utf8.Valid(r.scratch) {
				return "", r.badUTF8()
			}
			return string(r.scratch), nil
		case '\\':
			if err := r.escape(eof); err != nil {
				return "", err
			}
			ascii = false
		default:
			return "", jsonError(r.Position(), "Illegal unquoted character (%s): has to be escaped using backslash to be included in string value", shown(rune(c)))
		}
	}
}

func (r *JSONReader) tooLong(limit int) error {
	if limit == maxNameLength {
		return jsonError(r.Position(), "Name length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNameLength()`)", len(r.scratch), limit)
	}
	return jsonError(r.Position(), "String value length (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxStringLength()`)", len(r.scratch), limit)
}

// badUTF8 names the first byte of the token that does not belong.
func (r *JSONReader) badUTF8() error {
	for i := 0; i < len(r.scratch); {
		c, size := utf8.DecodeRune(r.scratch[i:])
		if c != utf8.RuneError || size > 1 {
			i += size
			continue
		}
		if b := r.scratch[i]; b < 0xc2 || b > 0xf4 {
			return jsonError(r.Position(), "Invalid UTF-8 start byte 0x%x", b)
		}
		for _, b := range append(r.scratch[i+1:], '"') {
			if b&0xc0 != 0x80 {
				return jsonError(r.Position(), "Invalid UTF-8 middle byte 0x%x", b)
			}
		}
		break
	}
	return jsonError(r.Position(), "Invalid UTF-8 middle byte 0x%x", '"')
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads an escape from its backslash into the scratch.
func (r *JSONReader) escape(eof string) error {
	if !r.more(2) {
		r.pos = r.end
		if err := r.failure(); err != io.EOF {
			return err
		}
		return jsonError(r.Position(), "%s", eof)
	}
	c := r.buf[r.pos+1]
	if c != 'u' {
		v, ok := escapes[c]
		if !ok {
			return jsonError(r.Position(), "Unrecognized character escape %s", shown(r.runeAt(r.pos+1)))
		}
		r.scratch = append(r.scratch, v)
		r.pos += 2
		return nil
	}
	high, err := r.unicode(eof)
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(high) && r.more(2) && r.buf[r.pos] == '\\' && r.buf[r.pos+1] == 'u' {
		before := r.pos
		low, err := r.unicode(eof)
		if err != nil {
			return err
		}
		if both := utf16.DecodeRune(high, low); both != utf8.RuneError {
			high = both
		} else {
			r.pos = before // two halves that do not fit
		}
	}
	r.scratch = utf8.AppendRune(r.scratch, high)
	return nil
}

// unicode reads \uXXXX.
func (r *JSONReader) unicode(eof string) (rune, error) {
	if !r.more(6) {
		r.pos = r.end
		if err := r.failure(); err != io.EOF {
			return 0, err
		}
		return 0, jsonError(r.Position(), "%s", eof)
	}
	var v rune
	for i := range 4 {
		c := r.buf[r.pos+2+i]
		switch {
		case isDigit(c):
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, jsonError(r.Position(), "Unexpected character (%s): expected a hex-digit for character escape sequence", shown(r.runeAt(r.pos+2+i)))
		}
	}
	r.pos += 6
	return v, nil
}

// runeAt is the character at buf[i].
func (r *JSONReader) runeAt(i int) rune {
	c, _ := utf8.DecodeRune(r.buf[i:min(i+4, r.end)])
	return c
}
