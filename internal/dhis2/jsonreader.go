package dhis2

import "io"

// Limits of a JSON text (Jackson 2.15+ StreamReadConstraints).
const (
	maxDepth        = 1000
	maxNumberLength = 1000       // characters
	maxNameLength   = 50_000     // characters
	maxStringLength = 20_000_000 // characters
)

// Kind is a kind of token.
type Kind byte

// The kinds of tokens.
const (
	KindEnd         Kind = 0 // nothing follows
	KindObject      Kind = '{'
	KindEndObject   Kind = '}'
	KindArray       Kind = '['
	KindEndArray    Kind = ']'
	KindName        Kind = ':' // of a member
	KindString      Kind = '"'
	KindNumber      Kind = '0'
	KindTrue        Kind = 't'
	KindFalse       Kind = 'f'
	KindNull        Kind = 'n'
	valueExpected        = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	readerBlockSize      = 16 << 10
)

// Token is one token. Text is the decoded string or name, or a number as it was
// written.
type Token struct {
	Kind Kind
	Text string
	At   Position // of its first character
}

// frame is an object or array that is open.
type frame struct {
	array bool
	items int
	at    Position
}

// JSONReader cuts a JSON text into tokens as Jackson does, with bounded memory: one
// block and one token. Errors are *JSONError, or what the reader below returns.
// It reads one value and looks at nothing behind it. Of two members of one name
// it returns both. The zero value is not usable.
type JSONReader struct {
	src        io.Reader
	buf        []byte
	pos, end   int
	offset     int // of buf[0] in the text
	line       int
	lineOffset int // of the line's first byte in the text
	failed     error

	stack   []frame
	named   bool // a name was returned, its value is next
	started bool
	scratch []byte
}

// NewJSONReader reads from r. A byte order mark at the start is skipped.
func NewJSONReader(r io.Reader) *JSONReader {
	return &JSONReader{src: r, buf: make([]byte, readerBlockSize), line: 1}
}

// NewJSONTextReader reads a text that is all there.
func NewJSONTextReader(text []byte) *JSONReader {
	return &JSONReader{buf: text, end: len(text), line: 1}
}

// Position is the place of the next character.
func (r *JSONReader) Position() Position {
	return Position{r.line, r.offset + r.pos - r.lineOffset + 1}
}

// Next returns the next token.
func (r *JSONReader) Next() (Token, error) {
	if len(r.stack) == 0 {
		return r.nextRoot()
	}
	top := &r.stack[len(r.stack)-1]
	if r.named {
		r.named = false
		c, err := r.skipBetween(top)
		if err != nil {
			return Token{}, err
		}
		return r.value(c)
	}
	c, err := r.skipOrEnd(top)
	if err != nil {
		return Token{}, err
	}
	if c == '}' || c == ']' {
		return r.close(top, c)
	}
	if top.items > 0 {
		if c != ',' {
			return Token{}, r.unexpected("was expecting comma to separate %s entries", typeName(top))
		}
		r.pos++
		if c, err = r.skipBetween(top); err != nil {
			return Token{}, err
		}
	}
	top.items++
	if top.array {
		return r.value(c)
	}
	return r.name(c)
}

func (r *JSONReader) nextRoot() (Token, error) {
	if r.started {
		return Token{Kind: KindEnd, At: r.Position()}, nil
	}
	if r.more(3) && string(r.buf[r.pos:r.pos+3]) == "\uFEFF" {
		r.pos += 3
		r.lineOffset += 3
	}
	c, err := r.skipSpace()
	if err == io.EOF {
		return Token{Kind: KindEnd, At: r.Position()}, nil
	}
	if err != nil {
		return Token{}, err
	}
	r.started = true
	return r.value(c)
}

func (r *JSONReader) close(top *frame, c byte) (Token, error) {
	want := byte('}')
	if top.array {
		want = ']'
	}
	if c != want {
		return Token{}, jsonError(r.Position(), "Unexpected close marker '%c': expected '%c' (for %s starting at %s)", c, want, typeName(top), top.at)
	}
	t := Token{Kind: Kind(c), At: r.Position()}
	r.pos++
	r.stack = r.stack[:len(r.stack)-1]
	return t, nil
}

func (r *JSONReader) open(kind Kind) (Token, error) {
	at := r.Position()
	r.pos++
	if len(r.stack) == maxDepth {
		return Token{}, jsonError(at, "Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", maxDepth+1, maxDepth)
	}
	r.stack = append(r.stack, frame{array: kind == KindArray, at: at})
	return Token{Kind: kind, At: at}, nil
}

func (r *JSONReader) name(c byte) (Token, error) {
	if c != '"' {
		return Token{}, r.unexpected("was expecting double-quote to start field name")
	}
	at := r.Position()
	text, err := r.str("Unexpected end-of-input in field name", maxNameLength)
	if err != nil {
		return Token{}, err
	}
	top := &r.stack[len(r.stack)-1]
	if c, err = r.skipBetween(top); err != nil {
		return Token{}, err
	}
	if c != ':' {
		return Token{}, r.unexpected("was expecting a colon to separate field name and value")
	}
	r.pos++
	r.named = true
	return Token{KindName, text, at}, nil
}

func (r *JSONReader) value(c byte) (Token, error) {
	at := r.Position()
	switch c {
	case '{':
		return r.open(KindObject)
	case '[':
		return r.open(KindArray)
	case '"':
		text, err := r.str("Unexpected end-of-input: was expecting closing quote for a string value", maxStringLength)
		return Token{KindString, text, at}, err
	case 't':
		return r.word("true", KindTrue)
	case 'f':
		return r.word("false", KindFalse)
	case 'n':
		return r.word("null", KindNull)
	case '}', ']':
		if n := len(r.stack); n > 0 && r.stack[n-1].array != (c == ']') {
			return r.close(&r.stack[n-1], c)
		}
	}
	switch {
	case c == '-' || isDigit(c):
		return r.number()
	case isLetter(c) || c == '_' || c == '$' || c >= 0x80:
		return Token{}, r.unrecognized()
	}
	return Token{}, r.unexpected("expected a valid value %s", valueExpected)
}

func typeName(f *frame) string {
	if f.array {
		return "Array"
	}
	return "Object"
}

// skipOrEnd skips blanks where the object or array may end.
func (r *JSONReader) skipOrEnd(top *frame) (byte, error) {
	c, err := r.skipSpace()
	if err == io.EOF {
		return 0, jsonError(r.Position(), "Unexpected end-of-input: expected close marker for %s (start marker at %s)", typeName(top), top.at)
	}
	return c, err
}

// skipBetween skips blanks where something must follow.
func (r *JSONReader) skipBetween(top *frame) (byte, error) {
	c, err := r.skipSpace()
	if err == io.EOF {
		return 0, jsonError(r.Position(), "Unexpected end-of-input within/between %s entries", typeName(top))
	}
	return c, err
}
