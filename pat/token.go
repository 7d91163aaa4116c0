package pat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Token is the text of a personal access token that has the right form and sum. It
// cannot be printed, logged or marshalled; Reveal is the one way out. The zero
// value is no token.
type Token struct {
	format *format
	text   string
}

// The errors of Parse. Neither holds any part of the text.
var (
	ErrMalformed = errors.New("not a personal access token")
	ErrChecksum  = errors.New("the token's checksum does not fit")
)

// Parse reads a token's text and checks prefix, length, alphabet and checksum, over
// bytes and without normalising anything. It does not say whether the token was
// ever issued. Errors: ErrMalformed, ErrChecksum.
func Parse(s string) (Token, error) {
	f := formatOf(s)
	if f == nil {
		return Token{}, ErrMalformed
	}
	body := s[len(f.prefix):]
	if len(body) != f.codeLen+f.sumLen || !alphanumeric(body) {
		return Token{}, ErrMalformed
	}
	if !f.sumOK(body[:f.codeLen], body[f.codeLen:]) {
		return Token{}, ErrChecksum
	}
	return Token{f, s}, nil
}

// Reveal gives the secret text. It belongs into the one answer that creates the
// token and nowhere else.
func (t Token) Reveal() string { return t.text }

// Hash is the lower-case hex SHA-256 of the whole text, which is what DHIS2 stores
// (DHIS2 HashUtils.java, column api_token.key).
func (t Token) Hash() string {
	sum := t.sum()
	return hex.EncodeToString(sum[:])
}

func (t Token) sum() [sha256.Size]byte {
	var buf [64]byte // no format is longer than 54
	return sha256.Sum256(buf[:copy(buf[:], t.text)])
}

// redacted is what every form of printing shows.
func (t Token) redacted() string {
	if t.format == nil {
		return "no token"
	}
	return t.format.prefix + "…"
}

// String implements fmt.Stringer without the secret.
func (t Token) String() string { return t.redacted() }

// Format implements fmt.Formatter, so that no verb reaches the text.
func (t Token) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, t.redacted()) // fmt.State keeps its own errors
}

// LogValue implements slog.LogValuer without the secret.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.redacted()) }

// MarshalText implements encoding.TextMarshaler (JSON, YAML, XML) without the
// secret.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.redacted()), nil }
