package pat

import (
	"slices"
	"unicode/utf16"
)

// hashSetOrder gives values once each, in the order in which java.util.HashSet lists
// them: DHIS2 keeps the lists of attributes in one, so that is the order its clients
// see.
func hashSetOrder(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	buckets := 16 // HashMap's first table; it doubles when it is three quarters full
	for 4*len(out) > 3*buckets {
		buckets *= 2
	}
	slices.SortStableFunc(out, func(a, b string) int { return bucket(a, buckets) - bucket(b, buckets) })
	return out
}

func bucket(s string, buckets int) int {
	var h uint32 // String.hashCode
	for _, c := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(c)
	}
	return int((h ^ h>>16) & uint32(buckets-1))
}
