package jsonb

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func (p *parser) str() (string, error) {
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return p.s[start : p.i-1], nil
		case c == '\\':
			return p.escaped(p.s[start:p.i])
		case c < 0x20:
			return "", ErrSyntax
		default:
			p.i++
		}
	}
	return "", ErrSyntax
}

var plainEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped goes on with a string at its first backslash.
func (p *parser) escaped(prefix string) (string, error) {
	b := append(make([]byte, 0, len(prefix)+16), prefix...)
	for p.i < len(p.s) {
		c := p.s[p.i]
		switch {
		case c == '"':
			p.i++
			return string(b), nil
		case c < 0x20:
			return "", ErrSyntax
		case c != '\\':
			b = append(b, c)
			p.i++
			continue
		}
		p.i++
		e := p.peek()
		if r, ok := plainEscapes[e]; ok {
			b = append(b, r)
			p.i++
			continue
		}
		if e != 'u' {
			return "", ErrSyntax
		}
		r, err := p.unicode()
		if err != nil {
			return "", err
		}
		b = utf8.AppendRune(b, r)
	}
	return "", ErrSyntax
}

// unicode reads \uXXXX, a surrogate pair too, from its u.
func (p *parser) unicode() (rune, error) {
	r, ok := p.hex()
	if !ok {
		return 0, ErrSyntax
	}
	if r == 0 {
		p.refuse("unsupported Unicode escape sequence", `\u0000 cannot be converted to text.`, p.i)
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if r < 0xDC00 && strings.HasPrefix(p.s[p.i:], `\u`) {
		mark := p.i
		p.i++
		low, ok := p.hex()
		if full := utf16.DecodeRune(r, low); ok && full != utf8.RuneError {
			return full, nil
		}
		p.i = mark
		p.refuse("invalid input syntax for type json", "Unicode low surrogate must follow a high surrogate.", p.i)
		return utf8.RuneError, nil
	}
	p.refuse("invalid input syntax for type json", "Unicode low surrogate must follow a high surrogate.", p.i)
	return utf8.RuneError, nil
}

func (p *parser) hex() (rune, bool) {
	if p.i+5 > len(p.s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.s[p.i+1 : p.i+5]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	p.i += 5
	return r, true
}
