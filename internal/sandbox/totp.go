package sandbox

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- RFC 6238's default, and what every authenticator app uses
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// totpStep is how long a code lives (RFC 6238 4.1).
const totpStep = 30 * time.Second

// totpCode is the six digits of an instant (RFC 6238, RFC 4226 5.3).
func totpCode(secret []byte, at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix())/uint64(totpStep/time.Second)) // #nosec G115 -- after 1970
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:offset+4])&0x7FFFFFFF)%1_000_000)
}

// totpMatches compares a code with those of the present step and its neighbours.
// Secrets have 20 bytes, or 10 as DHIS2 once made them; others never match.
func totpMatches(secret, code string, now time.Time) bool {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.ToUpper(secret), "="))
	if err != nil || len(raw) != 20 && len(raw) != 10 || len(code) != 6 {
		return false
	}
	found := 0
	for _, d := range []time.Duration{-totpStep, 0, totpStep} {
		found |= subtle.ConstantTimeCompare([]byte(totpCode(raw, now.Add(d))), []byte(code))
	}
	return found == 1
}
