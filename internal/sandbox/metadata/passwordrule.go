package metadata

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPasswordBytes is what bcrypt takes.
const maxPasswordBytes = 72

// genericWords may not stand in a password (DHIS2 PasswordDictionaryValidationRule).
var genericWords = []string{"user", "admin", "system", "administrator", "username", "password", "login", "manager"}

// passwordRule is the rule that a new password breaks, in DHIS2's words, "" if it
// breaks none (DHIS2 2.44 PasswordValidationService).
func (s *Service) passwordRule(password, username, email string) string {
	least, most := 8, maxPasswordBytes
	if s.cfg.PasswordLength != nil {
		least, most = s.cfg.PasswordLength()
	}
	n := utf8.RuneCountInString(password)
	switch {
	case n < least || n > most || len(password) > maxPasswordBytes:
		return fmt.Sprintf("Password must have at least %d, and at most %d characters", least, most)
	case !strings.ContainsFunc(password, unicode.IsDigit):
		return "Password must have at least one digit"
	case !strings.ContainsFunc(password, unicode.IsUpper):
		return "Password must have at least one upper case"
	case !strings.ContainsFunc(password, unicode.IsLower):
		return "Password must have at least one lower case"
	case !strings.ContainsFunc(password, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) }):
		return "Password must have at least one special character"
	}
	lower := strings.ToLower(password)
	if slices.ContainsFunc(genericWords, func(w string) bool { return strings.Contains(lower, w) }) {
		return "Password must not have any generic word"
	}
	if username != "" && strings.Contains(lower, strings.ToLower(username)) || email != "" && strings.Contains(lower, strings.ToLower(email)) {
		return "Username/Email must not be a part of password"
	}
	return ""
}

// CheckNewPassword is the rule that the user's new password would break, "" if none:
// the rules of every password, and none of the previous 24 again.
func (s *Service) CheckNewPassword(u *User, password string) string {
	if rule := s.passwordRule(password, u.Username, u.Email); rule != "" {
		return rule
	}
	for _, h := range append([]string{u.passwordHash}, u.history...) {
		if hashMatches(h, password) {
			return "Password must not be one of the previous 24 passwords"
		}
	}
	return ""
}
