package pat

import "github.com/d2gate/d2gate/internal/fault"

const scheme = "ApiToken"

// ParseHeader takes the token's text out of the value of an Authorization header.
// Ok says whether the value is of the scheme ApiToken at all: it starts so, in any
// case. If it is, but not of the form ^ApiToken [a-z0-9-._~+/]+=*$ (any case,
// exactly one blank), the error is fault.TokenMalformed (DHIS2 2.44
// ApiTokenResolver.java). What comes back has still to be parsed.
func ParseHeader(value string) (text string, ok bool, err error) {
	if len(value) < len(scheme) || !equalFold(value[:len(scheme)], scheme) {
		return "", false, nil
	}
	rest := value[len(scheme):]
	if len(rest) < 2 || rest[0] != ' ' || !isToken68(rest[1:]) {
		return "", true, fault.New(fault.TokenMalformed, "").WithScheme(fault.ApiToken)
	}
	return rest[1:], true, nil
}

// isToken68 matches [a-zA-Z0-9-._~+/]+=* (RFC 9110 11.2).
func isToken68(s string) bool {
	end := len(s)
	for end > 0 && s[end-1] == '=' {
		end--
	}
	for i := range end {
		switch c := s[i]; {
		case digit(c) < 62:
		case c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/':
		default:
			return false
		}
	}
	return end > 0
}

// equalFold compares ASCII letters of any case; unlike strings.EqualFold it does
// not fold U+017F or U+212A into them.
func equalFold(a, b string) bool {
	for i := range len(b) {
		if a[i]|0x20 != b[i]|0x20 {
			return false
		}
	}
	return true
}
