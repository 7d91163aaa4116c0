package dhis2

import (
	"slices"
	"strings"
)

// All is the authority of a superuser.
const All = "ALL"

// dangerousWords are the words of an authority's name that change or take over
// something (field.md 3.10: guests and embedding users must hold none of them).
var dangerousWords = []string{
	"ADD", "DELETE", "UPDATE", "EDIT", "IMPERSONATE", "IMPORT", "MANAGE", "MAINTENANCE", "MERGE", "SPLIT", "MOVE",
	"REPLICATE", "SETTING", "SENDSMS", "SCHEDULING", "APPROVE", "ACCEPT", "UNCOMPLETE", "REOPEN", "INSERT", "IGNORE",
	"LOCK", "UNLOCK", "PUSH", "GENERATE", "RUN", "INSTALL", "TRIGGER",
}

// Dangerous reports whether an authority lets its holder change data, metadata,
// users or the system, or act as somebody else. Rights to look and M_ rights to
// open an app are not dangerous, but for the app management.
func Dangerous(authority string) bool {
	if authority == All || authority == "M_dhis-web-app-management" {
		return true
	}
	rest, ok := strings.CutPrefix(authority, "F_")
	if !ok {
		return false
	}
	for word := range strings.SplitSeq(rest, "_") {
		if slices.Contains(dangerousWords, word) {
			return true
		}
	}
	return false
}

// DangerousOf lists those of authorities that are dangerous, in their order.
func DangerousOf(authorities []string) []string {
	var out []string
	for _, a := range authorities {
		if Dangerous(a) {
			out = append(out, a)
		}
	}
	return out
}
