package pat

import (
	"fmt"
	"io"
)

// Mint makes a new token of the format that tokens.mint names (d2pat or d2p; ""
// means d2pat). Random must be crypto/rand's Reader; its errors come back wrapped.
// The code starts with a letter, as DHIS2's do, and no character is likelier than
// another: 190 bits for d2pat, 261 for d2p.
func Mint(random io.Reader, mint string) (Token, error) {
	f, err := formatNamed(mint)
	if err != nil {
		return Token{}, err
	}
	code, err := randomCode(random, f.codeLen)
	if err != nil {
		return Token{}, fmt.Errorf("mint token: %w", err)
	}
	sum := digits(uint64(checksum(code, f.pads[0])), f.base, f.sumLen)
	return Token{f, f.prefix + code + sum}, nil
}

func formatNamed(mint string) (*format, error) {
	switch mint {
	case "", MintD2PAT:
		return &formats[0], nil
	case MintD2P:
		return &formats[1], nil
	}
	return nil, fmt.Errorf("mint token: no such format %q", mint)
}

// randomCode draws letters and digits, the first a letter.
func randomCode(random io.Reader, length int) (string, error) {
	code := make([]byte, 0, length)
	var buf [64]byte
	for {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", err
		}
		for _, b := range buf {
			letters := alphabet
			if len(code) == 0 {
				letters = alphabet[10:]
			}
			if int(b) >= 256-256%len(letters) {
				continue // would make the first characters likelier
			}
			if code = append(code, letters[int(b)%len(letters)]); len(code) == length {
				return string(code), nil
			}
		}
	}
}
