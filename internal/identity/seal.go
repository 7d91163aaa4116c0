package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Sealer keeps secrets that d2gate must be able to read again: AES-256-GCM with a
// random nonce in front, bound to a name.
type Sealer struct{ aead cipher.AEAD }

// OpenSealer reads a key of 32 bytes, in hexadecimal, from a file of mode 0600,
// and makes one on first start.
func OpenSealer(file string) (*Sealer, error) {
	s, err := readSealer(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	if err := createPrivate(file, []byte(hex.EncodeToString(key)+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make key %s: %w", file, err)
	}
	return readSealer(file)
}

func readSealer(file string) (*Sealer, error) {
	text, err := readPrivate(file)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("read key %s: want 64 hexadecimal digits", file)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", file, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", file, err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts text for name.
func (s *Sealer) Seal(name string, text []byte) []byte {
	return s.aead.Seal(nil, nil, text, []byte(name))
}

// Open decrypts what Seal made for the same name with the same key.
func (s *Sealer) Open(name string, sealed []byte) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, errors.New("sealed with another key or for another name")
	}
	return text, nil
}
