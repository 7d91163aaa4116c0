package qr_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox/qr"
)

// The hashes are of pictures that an independent reader (jsQR 1.4) has read as the
// text.
func TestPicturesThatAReaderHasReadAreDrawnAgain(t *testing.T) {
	for text, want := range map[string]string{
		"HELLO": "6348287d01196446",
		"otpauth://totp/DHIS%202:nurse?issuer=DHIS+2&secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567": "842677363cfcfde3",
		strings.Repeat("abc ", 35): "5ba4c557da12fad6",
		strings.Repeat("xyz1", 60): "9f146320f3e276cf",
	} {
		m, err := qr.Encode(text)
		require.NoError(t, err)
		require.Equal(t, want, hashOf(m), text)
	}
}

func hashOf(m [][]bool) string {
	h := sha256.New()
	for _, row := range m {
		for _, dark := range row {
			if dark {
				h.Write([]byte{'#'})
			} else {
				h.Write([]byte{'.'})
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func TestATextThatIsTooLongIsRefused(t *testing.T) {
	_, err := qr.PNG(strings.Repeat("x", 271))
	require.NoError(t, err)
	_, err = qr.PNG(strings.Repeat("x", 272))
	require.ErrorIs(t, err, qr.ErrTooLong)
}
