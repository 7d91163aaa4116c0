package proxy

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
)

// Credential is what one request brought, not yet judged. It cannot be printed.
type Credential struct {
	Kind   CredentialKind
	token  string // of pat and oauth2
	name   string // of basic
	secret string // of basic
}

// String hides the credential.
func (c Credential) String() string { return string(c.Kind) + " [secret]" }

// GoString hides the credential from %#v.
func (c Credential) GoString() string { return c.String() }

// ParseCredential reads the one Authorization line. Without one the kind is
// NoCredential; whether a cookie signs the caller in is not decided here. Errors:
// credential_multiple for two lines; token_malformed for an ApiToken or Bearer of
// another form than DHIS2 2.44's ApiTokenResolver and Spring's bearer resolver
// take, lists included; login_failed for a Basic that cannot be read;
// credential_missing for any other scheme. No error holds a part of the line.
func ParseCredential(h Header) (Credential, error) {
	lines := h.Values("Authorization")
	switch len(lines) {
	case 0:
		return Credential{Kind: NoCredential}, nil
	case 1:
		return parseAuthorization(lines[0])
	}
	return Credential{}, fault.New(fault.CredentialMultiple, "Unauthorized")
}

func parseAuthorization(line string) (Credential, error) {
	if token, ok, err := pat.ParseHeader(line); ok {
		return Credential{Kind: PATCredential, token: token}, err
	}
	if rest, ok := cutFold(line, "bearer"); ok {
		token, ok := token68(rest)
		if !ok {
			return Credential{Kind: OAuth2Credential}, fault.New(fault.TokenMalformed, "Bearer token is malformed").WithScheme(fault.Bearer)
		}
		return Credential{Kind: OAuth2Credential, token: token}, nil
	}
	if rest, ok := cutFold(line, "basic"); ok && (rest == "" || rest[0] == ' ') {
		name, secret, ok := userAndPassword(strings.TrimLeft(rest, " "))
		if !ok {
			return Credential{Kind: BasicCredential}, fault.New(fault.LoginFailed, "")
		}
		return Credential{Kind: BasicCredential, name: name, secret: secret}, nil
	}
	return Credential{}, fault.New(fault.CredentialMissing, "").WithDetail("a scheme other than ApiToken, Bearer and Basic")
}

// cutFold cuts a scheme, in any case, off a header.
func cutFold(line, scheme string) (rest string, ok bool) {
	if len(line) < len(scheme) || !strings.EqualFold(line[:len(scheme)], scheme) {
		return "", false
	}
	return line[len(scheme):], true
}

// token68 reads what follows the scheme: one blank and RFC 9110 11.2 token68.
func token68(rest string) (string, bool) {
	token, ok := strings.CutPrefix(rest, " ")
	body := strings.TrimRight(token, "=")
	if !ok || body == "" {
		return "", false
	}
	for i := range len(body) {
		c := body[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') && strings.IndexByte("-._~+/", c) < 0 {
			return "", false
		}
	}
	return token, true
}

// userAndPassword reads RFC 7617 user-pass, in base64 with or without padding as
// DHIS2 takes it.
func userAndPassword(text string) (name, password string, ok bool) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || !utf8.Valid(raw) {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(raw), ":")
	return name, password, ok && name != ""
}
