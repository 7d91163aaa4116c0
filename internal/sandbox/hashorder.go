package sandbox

import (
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf16"
)

// hashOrder sorts texts as a java.util.HashSet iterates over them: by bucket, in a
// bucket by arrival; each once.
func hashOrder(texts []any) []string {
	var out []string
	for _, t := range texts {
		if s := fmt.Sprint(t); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	buckets := uint32(16)
	if n := len(out); n > 12 { // it grows when it is three quarters full
		buckets = 1 << bits.Len(uint(n*4/3))
	}
	slices.SortStableFunc(out, func(a, b string) int {
		return int(javaHash(a)&(buckets-1)) - int(javaHash(b)&(buckets-1))
	})
	return out
}

// javaHash is String.hashCode, spread as HashMap spreads it.
func javaHash(s string) uint32 {
	var h uint32
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(u)
	}
	return h ^ h>>16
}
