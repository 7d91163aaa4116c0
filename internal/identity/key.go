package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// keyBits is the size of a key that d2gate makes; smaller ones are refused.
const keyBits = 2048

// SigningKey is an RSA key with which d2gate signs for DHIS2. It cannot be printed.
type SigningKey struct {
	private *rsa.PrivateKey
	id      string
}

// ID is the kid: the RFC 7638 thumbprint, SHA-256, base64url.
func (k *SigningKey) ID() string { return k.id }

// String hides the key.
func (*SigningKey) String() string { return "[secret]" }

// GoString hides the key from %#v.
func (*SigningKey) GoString() string { return "[secret]" }

// OpenSigningKey reads the key in file, a PEM, and makes one on first start. The
// file must be open to its owner only (0600 or less); a key is written whole and
// synced before it takes its name, and of two processes that start at once both
// use the one that came first.
func OpenSigningKey(file string) (*SigningKey, error) {
	k, err := readSigningKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createSigningKey(file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make signing key %s: %w", file, err)
	}
	return readSigningKey(file)
}

func readSigningKey(file string) (*SigningKey, error) {
	text, err := readPrivate(file)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	k, err := ParseSigningKey(text)
	if err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", file, err)
	}
	return k, nil
}

// readPrivate reads a file that group and others must not be able to read.
func readPrivate(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: others can read it, want 0600", file, info.Mode().Perm())
	}
	return os.ReadFile(file)
}

func createSigningKey(file string) error {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return createPrivate(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// createPrivate writes a new file of mode 0600, whole or not at all. It returns
// fs.ErrExist if the file is there already.
func createPrivate(file string, data []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), file) // unlike Rename, fails if it exists
}

// ParseSigningKey reads a PEM with an RSA key of at least 2048 bits, PKCS #8 or
// PKCS #1. The error holds no part of text.
func ParseSigningKey(text []byte) (*SigningKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	private, err := parseRSA(block.Bytes)
	if err != nil {
		return nil, err
	}
	if private.N.BitLen() < keyBits {
		return nil, fmt.Errorf("RSA key of %d bits, want at least %d", private.N.BitLen(), keyBits)
	}
	jwk := jose.JSONWebKey{Key: &private.PublicKey}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("thumbprint: %w", err)
	}
	return &SigningKey{private, base64.RawURLEncoding.EncodeToString(sum)}, nil
}

func parseRSA(der []byte) (*rsa.PrivateKey, error) {
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("no PKCS #8 or PKCS #1 private key")
	}
	if k, ok := any.(*rsa.PrivateKey); ok {
		return k, nil
	}
	return nil, errors.New("not an RSA key")
}

// public is the JWK that is published. DHIS2 takes a key without alg for several
// algorithms, so alg and use are given (contract 2.3.3).
func (k *SigningKey) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: &k.private.PublicKey, KeyID: k.id, Algorithm: string(jose.RS256), Use: "sig"}
}
