package dhis2

import (
	"fmt"
	"io"
)

// UIDLength is the number of characters of a uid (DHIS2 CodeGenerator.java).
const UIDLength = 11

const (
	letters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alphabet = letters + "0123456789"
)

// NewUID makes a uid of random bytes read from r: a letter and ten letters or
// digits, all equally likely. It fails only if r does.
func NewUID(r io.Reader) (string, error) {
	var uid [UIDLength]byte
	var buf [16]byte
	for n := 0; n < len(uid); {
		if _, err := io.ReadFull(r, buf[:]); err != nil {
			return "", fmt.Errorf("read random bytes for a uid: %w", err)
		}
		for _, b := range buf {
			set := alphabet
			if n == 0 {
				set = letters
			}
			if limit := 256 / len(set) * len(set); int(b) >= limit {
				continue // keeps every character equally likely
			}
			uid[n] = set[int(b)%len(set)]
			if n++; n == len(uid) {
				break
			}
		}
	}
	return string(uid[:]), nil
}

// IsUID reports whether s has the form of a uid.
func IsUID(s string) bool {
	if len(s) != UIDLength || !isLetter(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isLetter(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// BadUIDParameter is DHIS2's 400 for a path that needs a uid and has something
// else (DHIS2 2.44, observed).
func BadUIDParameter(s string) WebMessage {
	return Error(400, "Value '"+s+"' is not valid for path parameter uid. "+
		"UID must be an alphanumeric string of 11 characters starting with a letter, but was: "+s, "")
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
