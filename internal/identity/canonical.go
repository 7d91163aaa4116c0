package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// canonicalName is the one name under which guesses at an account are counted,
// however it is spelt: compatibility forms and case folded, white space, control
// and invisible characters taken out (security.md C5: one counter per account).
// It is never sent to DHIS2.
func canonicalName(name string) string {
	name = norm.NFKC.String(name)
	name = cases.Fold().String(name)
	name = norm.NFKC.String(name)
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
}
