package sandbox

import "strings"

const redacted = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]"

// jackson words what is wrong with a body that is no object, as Jackson 2 does for
// the first of its complaints.
func jackson(text, _ string) string {
	switch {
	case strings.HasPrefix(text, "{") && !strings.HasSuffix(text, "}") && strings.Contains(text, ":"):
		return "Unexpected end-of-input within/between Object entries\n at " + redacted
	case strings.HasPrefix(text, "{"):
		return "Unexpected end-of-input: expected close marker for Object (start marker at " + redacted + ")"
	case strings.HasPrefix(text, "["):
		return "Cannot deserialize value from Array value (token `JsonToken.START_ARRAY`)"
	}
	return "Unrecognized token: was expecting JSON Object"
}
