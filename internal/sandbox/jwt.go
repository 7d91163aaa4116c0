package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// jwt is a token that is read but not yet believed.
type jwt struct {
	text   string
	alg    string
	kid    string
	typ    string
	claims claims
}

// claims are the members of a JWT's body.
type claims map[string]json.RawMessage

// readJWT takes a compact serialization apart. The reasons are nimbus's.
func readJWT(text string) (*jwt, error) {
	parts := strings.Split(text, ".")
	switch len(parts) {
	case 1:
		return nil, invalid("Invalid JWT serialization: Missing dot delimiter(s)")
	case 2:
		return nil, invalid("Invalid serialized unsecured/JWS/JWE object: Missing second delimiter")
	case 3, 5:
	default:
		return nil, invalid("Invalid serialized unsecured/JWS/JWE object: Too many part delimiters")
	}
	var header struct {
		Alg *string `json:"alg"`
		Kid string  `json:"kid"`
		Typ string  `json:"typ"`
	}
	if raw, err := part(parts[0]); err != nil || json.Unmarshal(raw, &header) != nil {
		return nil, invalid("Invalid unsecured/JWS/JWE header: Invalid JSON object")
	}
	if header.Alg == nil {
		return nil, invalid("Invalid unsecured/JWS/JWE header: Missing \"alg\" in header JSON object")
	}
	t := &jwt{text: text, alg: *header.Alg, kid: header.Kid, typ: header.Typ}
	if raw, err := part(parts[1]); err != nil || json.Unmarshal(raw, &t.claims) != nil {
		return nil, invalid("Payload of JWS object is not a valid JSON object")
	}
	return t, nil
}

// part decodes base64url; padding is taken off.
func part(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

// checkTimes looks at exp, nbf and iat as Spring does: a token without exp lives
// for ever, and clocks may differ by a minute.
func (c claims) checkTimes(now time.Time) error {
	exp, hasExp, err := c.instant("exp")
	if err != nil {
		return err
	}
	nbf, hasNbf, err := c.instant("nbf")
	if err != nil {
		return err
	}
	iat, hasIat, err := c.instant("iat")
	if err != nil {
		return err
	}
	switch {
	case hasExp && hasIat && !iat.Before(exp):
		return undecodableJWT("expiresAt must be after issuedAt")
	case hasExp && now.Add(-skew).After(exp):
		return undecodableJWT("Jwt expired at %s", exp.UTC().Format(time.RFC3339))
	case hasNbf && now.Add(skew).Before(nbf):
		return undecodableJWT("Jwt used before %s", nbf.UTC().Format(time.RFC3339))
	}
	return nil
}

// instant reads a claim in seconds since the epoch.
func (c claims) instant(name string) (time.Time, bool, error) {
	raw, ok := c[name]
	if !ok || string(raw) == "null" {
		return time.Time{}, false, nil
	}
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || math.Abs(seconds) > 1e12 {
		return time.Time{}, false, undecodableJWT("Unexpected type of %s claim", name)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

// text reads the mapping claim. Any other type of value is a 500 at DHIS2.
func (c claims) text(name string) (string, error) {
	raw, ok := c[name]
	if !ok || string(raw) == "null" {
		return "", noUserFor(name, "null")
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", errPage
	}
	return s, nil
}
