package sandbox

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// fits reports whether a public key is of the type that an algorithm needs.
func fits(k jose.JSONWebKey, alg string) bool {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return alg == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]
	}
	return false
}
