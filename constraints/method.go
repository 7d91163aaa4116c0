package constraints

import (
	"fmt"
	"slices"
	"strings"
)

// methods are the verbs that pass the gateway at all.
var methods = []string{"HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// ParseMethod reads one of the seven methods, in any case, and returns it in upper
// case. HEAD is not implied by GET.
func ParseMethod(s string) (string, error) {
	m := strings.ToUpper(s)
	if !slices.Contains(methods, m) {
		//lint:ignore ST1005 DHIS2's words
		return "", fmt.Errorf("Not a valid http method, value=%s", orNull(s))
	}
	return m, nil
}
