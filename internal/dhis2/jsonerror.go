package dhis2

import (
	"fmt"
	"strconv"
)

// Position is a place in a JSON text. Both count from 1; columns count bytes, as
// Jackson does on a stream.
type Position struct{ Line, Column int }

// String is how Jackson writes a place.
func (p Position) String() string {
	return "[" + redacted + " line: " + strconv.Itoa(p.Line) + ", column: " + strconv.Itoa(p.Column) + "]"
}

const redacted = "Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled);"

// JSONError is a text that is no JSON, or JSON that does not fit the type it is
// read into, in Jackson's words.
type JSONError struct {
	Text  string   // without the place
	At    Position // zero means unknown: the value was read from a tree
	Chain string   // `org.hisp.dhis.constant.Constant["value"]`, "" if it is the whole text
	line  bool     // only the line is told (an empty text)
}

// Error is Jackson's message with the place, as DHIS2 answers it with 409.
func (e *JSONError) Error() string {
	return e.Text + "\n at " + e.place() + e.chain()
}

// InTree is the message when the value was read from a tree, as imports and
// patches do: the place is unknown.
func (e *JSONError) InTree() string {
	c := *e
	c.At = Position{}
	return c.Error()
}

// Original is the message without the place, as Spring answers it with 400:
// "JSON parse error: …".
func (e *JSONError) Original() string { return "JSON parse error: " + e.Text }

// WebMessage is the usual answer: 409 and the message with the place.
func (e *JSONError) WebMessage() WebMessage { return Error(409, e.Error(), "") }

// Empty reports whether there was no text at all, which is to Jackson no error of
// the text but of what it is read into.
func (e *JSONError) Empty() bool { return e.line }

func (e *JSONError) place() string {
	switch {
	case e.At == Position{}:
		return "[Source: UNKNOWN; byte offset: #UNKNOWN]"
	case e.line:
		return "[" + redacted + " line: " + strconv.Itoa(e.At.Line) + "]"
	}
	return e.At.String()
}

func (e *JSONError) chain() string {
	if e.Chain == "" {
		return ""
	}
	return " (through reference chain: " + e.Chain + ")"
}

func jsonError(at Position, format string, args ...any) *JSONError {
	return &JSONError{Text: fmt.Sprintf(format, args...), At: at}
}

// ErrNoContent makes Jackson's error for an empty text.
func errNoContent(at Position) *JSONError {
	return &JSONError{Text: "No content to map due to end-of-input", At: at, line: true}
}

// shown is a character as Jackson shows it in an error.
func shown(c rune) string {
	if c < 0x20 || c >= 0x7f && c < 0xa0 {
		return fmt.Sprintf("(CTRL-CHAR, code %d)", c)
	}
	if c > 255 {
		return fmt.Sprintf("'%c' (code %d / 0x%x)", c, c, c)
	}
	return fmt.Sprintf("'%c' (code %d)", c, c)
}
