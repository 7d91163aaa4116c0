package conform

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- RFC 6238's default
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var totpOf = regexp.MustCompile(`\{\{totp:(\w+)\}\}`)

// fillTOTP puts the six digits of now (RFC 6238) for {{totp:name}}, where name
// holds a base32 secret.
func fillTOTP(s string, vars map[string]any) string {
	return totpOf.ReplaceAllStringFunc(s, func(m string) string {
		secret := strings.TrimRight(scalar(vars[totpOf.FindStringSubmatch(m)[1]]), "=")
		key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
		if err != nil {
			return m
		}
		return totp(key, time.Now())
	})
}

func totp(key []byte, at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix())/30) // #nosec G115 -- after 1970
	mac := hmac.New(sha1.New, key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	code := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7FFFFFFF
	return fmt.Sprintf("%06d", code%1_000_000)
}
