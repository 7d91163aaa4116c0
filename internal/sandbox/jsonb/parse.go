package jsonb

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrSyntax is returned for a text that is not one JSON value in the eyes of
// DHIS2's own checker (DHIS2 2.44 JsonTree): status 400 there.
var ErrSyntax = errors.New("not valid JSON")

// DatabaseError is what DHIS2's checker lets pass and PostgreSQL refuses: leading
// zeros, a trailing comma, \u0000, a lone surrogate, a number beyond numeric.
// DHIS2 answers 409 with the database's text.
type DatabaseError struct{ Message string }

// Error is the database's message.
func (e *DatabaseError) Error() string { return e.Message }

// maxDepth bounds nesting; PostgreSQL gives up at its stack limit, a little later.
const maxDepth = 5000

// Parse reads one JSON value. Errors: ErrSyntax, *DatabaseError.
func Parse(s string) (Value, error) {
	p := parser{s: s}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.i != len(p.s) || !utf8.ValidString(s) {
		return Value{}, ErrSyntax
	}
	if p.db != nil {
		return Value{}, p.db
	}
	return v, nil
}

// parser keeps the first objection of the database and goes on, since a later
// syntax error would have been found first by DHIS2's checker.
type parser struct {
	s  string
	i  int
	db *DatabaseError
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, ErrSyntax
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, err := p.str()
		return Value{kind: String, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case strings.HasPrefix(p.s[p.i:], "true"):
		p.i += 4
		return Boolean(true), nil
	case strings.HasPrefix(p.s[p.i:], "false"):
		p.i += 5
		return Boolean(false), nil
	case strings.HasPrefix(p.s[p.i:], "null"):
		p.i += 4
		return Value{}, nil
	}
	return Value{}, ErrSyntax
}

func (p *parser) object(depth int) (Value, error) {
	p.i++
	var members []Member
	for first := true; ; first = false {
		p.space()
		if p.peek() == '}' {
			if !first {
				p.refuse("invalid input syntax for type json", `Expected string, but found "}".`, p.i+1)
			}
			p.i++
			return Value{kind: Object, members: settle(members)}, nil
		}
		m, err := p.pair(depth)
		if err != nil {
			return Value{}, err
		}
		members = append(members, m)
		p.space()
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			p.i++
			return Value{kind: Object, members: settle(members)}, nil
		default:
			return Value{}, ErrSyntax
		}
	}
}

func (p *parser) pair(depth int) (Member, error) {
	if p.peek() != '"' {
		return Member{}, ErrSyntax
	}
	key, err := p.str()
	if err != nil {
		return Member{}, err
	}
	p.space()
	if p.peek() != ':' {
		return Member{}, ErrSyntax
	}
	p.i++
	p.space()
	v, err := p.value(depth + 1)
	return Member{key, v}, err
}

func (p *parser) array(depth int) (Value, error) {
	p.i++
	items := []Value{}
	for first := true; ; first = false {
		p.space()
		if p.peek() == ']' {
			if !first {
				p.refuse("invalid input syntax for type json", `Expected JSON value, but found "]".`, p.i+1)
			}
			p.i++
			return Value{kind: Array, items: items}, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
		p.space()
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			return Value{kind: Array, items: items}, nil
		default:
			return Value{}, ErrSyntax
		}
	}
}

// number reads digits, a fraction and an exponent; leading zeros are the
// database's business.
func (p *parser) number() (Value, error) {
	start := p.i
	if p.peek() == '-' {
		p.i++
	}
	whole := p.digits()
	ok := len(whole) > 0
	var frac, exp string
	if p.peek() == '.' {
		p.i++
		frac = p.digits()
		ok = ok && frac != ""
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.i++
		sign := ""
		if c := p.peek(); c == '+' || c == '-' {
			sign = string(c)
			p.i++
		}
		exp = p.digits()
		ok = ok && exp != ""
		exp = sign + exp
	}
	if !ok {
		return Value{}, ErrSyntax
	}
	text := p.s[start:p.i]
	if len(whole) > 1 && whole[0] == '0' {
		p.refuse("invalid input syntax for type json", fmt.Sprintf("Token %q is invalid.", text), p.i)
		return Value{kind: Number, text: "0"}, nil
	}
	n, fits := decimal(text[0] == '-', whole, frac, exp)
	if !fits {
		p.refuse("value overflows numeric format", "", p.i)
	}
	return Value{kind: Number, text: n}, nil
}

func (p *parser) digits() string {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.s[start:p.i]
}
