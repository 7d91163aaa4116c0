package sandbox

import (
	"fmt"
	"regexp"
	"strings"
)

// passwordRules are DHIS2's rules for a new password, first hit wins (DHIS2 2.44
// PasswordValidationRule). The last, that it is none of the previous 24, belongs to
// the metadata, which keeps them.
var passwordRules = []struct {
	breaks *regexp.Regexp
	holds  bool // the rule is broken when the expression does not match
	text   string
}{
	{regexp.MustCompile(`[0-9]`), true, "Password must have at least one digit"},
	{regexp.MustCompile(`\p{Lu}`), true, "Password must have at least one upper case"},
	{regexp.MustCompile(`\p{Ll}`), true, "Password must have at least one lower case"},
	{regexp.MustCompile(`[^a-zA-Z0-9]`), true, "Password must have at least one special character"},
	{regexp.MustCompile(`(?i)user|admin|system|administrator|username|password|login|manager`), false, "Password must not have any generic word"},
}

// brokenRule tells which rule a new password of a user breaks, "" for none. names
// are the user's name and address.
func (s *settings) brokenRule(password string, names ...string) string {
	least, most := s.passwordLength()
	if n := len([]rune(password)); n < least || n > most {
		return fmt.Sprintf("Password must have at least %d, and at most %d characters", least, most)
	}
	for _, r := range passwordRules[:4] {
		if r.breaks.MatchString(password) != r.holds {
			return r.text
		}
	}
	if r := passwordRules[4]; r.breaks.MatchString(password) {
		return r.text
	}
	for _, n := range names {
		if n != "" && strings.Contains(strings.ToLower(password), strings.ToLower(n)) {
			return "Username/Email must not be a part of password"
		}
	}
	return ""
}

// passwordLength is how long a password may be, in characters.
func (s *settings) passwordLength() (least, most int) {
	return s.number("minPasswordLength"), s.number("maxPasswordLength")
}
