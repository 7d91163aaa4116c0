package pat

import (
	"hash/crc32"
	"strings"
)

// A format is one generation of DHIS2 token. Lengths are in characters.
type format struct {
	prefix          string
	codeLen, sumLen int
	base            uint64 // of the checksum's digits: 10 or 62
	// pads lists how many NUL bytes DHIS2 has appended to the code before taking
	// the CRC-32 (IEEE). Since 2.41 CRC32Utils.java sums the encoder's whole
	// backing array, int(1.1*codeLen) bytes; 2.37 to 2.40 sum the code alone.
	// The first is the one that is minted.
	pads    []int
	version int
	typ     string // DHIS2 2.44 ApiTokenType
}

// The types of a token as DHIS2 2.41 and later name them.
const (
	TypeV1 = "PERSONAL_ACCESS_TOKEN_V1"
	TypeV2 = "PERSONAL_ACCESS_TOKEN_V2"
)

// The names of the formats in tokens.mint.
const (
	MintD2PAT = "d2pat"
	MintD2P   = "d2p"
)

// formats are the generations. They are written here and nowhere else.
var formats = [...]format{
	{"d2pat_", 32, 10, 10, []int{0, 3}, 1, TypeV1},
	{"d2p_", 44, 6, 62, []int{4}, 2, TypeV2},
}

// formatOf returns the generation that s claims to be of, nil if of none.
func formatOf(s string) *format {
	for i := range formats {
		if strings.HasPrefix(s, formats[i].prefix) {
			return &formats[i]
		}
	}
	return nil
}

// alphabet is that of DHIS2's Base62.java; its first ten are the decimal digits.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// digit is the place of c in the alphabet, 62 and more if it has none.
func digit(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c >= 'A' && c <= 'Z':
		return uint64(c-'A') + 10
	case c >= 'a' && c <= 'z':
		return uint64(c-'a') + 36
	}
	return 62
}

// number reads digits of a base; ten of base 10 and six of base 62 fit well.
func number(s string, base uint64) (n uint64, ok bool) {
	for i := range len(s) {
		d := digit(s[i])
		if d >= base {
			return 0, false
		}
		n = n*base + d
	}
	return n, true
}

// digits writes n with the given length, padded with zeros on the left.
func digits(n, base uint64, length int) string {
	b := make([]byte, length)
	for i := length - 1; i >= 0; i-- {
		b[i] = alphabet[n%base]
		n /= base
	}
	return string(b)
}

// alphanumeric reports whether s has only letters and digits of ASCII.
func alphanumeric(s string) bool {
	for i := range len(s) {
		if digit(s[i]) > 61 {
			return false
		}
	}
	return true
}

// checksum is the CRC-32 (IEEE) of code and pad NUL bytes. Written out because
// crc32.Update makes its argument escape, which would cost an allocation.
func checksum(code string, pad int) uint32 {
	crc := ^uint32(0)
	for i := range len(code) {
		crc = crc32.IEEETable[byte(crc)^code[i]] ^ crc>>8
	}
	for range pad {
		crc = crc32.IEEETable[byte(crc)] ^ crc>>8
	}
	return ^crc
}

// sumOK reports whether sum is the checksum of code in any of the ways that DHIS2
// has ever taken it.
func (f *format) sumOK(code, sum string) bool {
	want, ok := number(sum, f.base)
	if !ok {
		return false
	}
	for _, pad := range f.pads {
		if want == uint64(checksum(code, pad)) {
			return true
		}
	}
	return false
}
