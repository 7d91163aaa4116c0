package metadata_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzImport reads anything as a payload: it is answered, and what is not JSON is
// never stored.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{`{}`, `[]`, `{"dataElements":[]}`, `{"dataElements":[{"id":"a"}]}`, `{"dataElements":[{"name":"\u00e9\n"}]}`, `{"constants":[{"value":1e400}]}`, `{"a":{"b":[1,2,{}]}}`, "\x1f\x8b", "PK\x03\x04"} {
		f.Add([]byte(seed))
	}
	a := newAPI(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &api{t, a.s, a.user}
		w := a.do("POST", "/api/metadata?importMode=VALIDATE", string(body), "Content-Type", "application/json")
		require.True(t, w.Code == 200 || w.Code == 400 || w.Code == 409 || w.Code == 413, "%d %s", w.Code, w.Body)
		require.True(t, json.Valid(w.Body.Bytes()))
		packed := bytes.HasPrefix(body, []byte{0x1f, 0x8b}) || bytes.HasPrefix(body, []byte("PK"))
		if w.Code == 200 && !packed && strings.TrimSpace(string(body)) != "" {
			require.True(t, json.Valid(firstValue(body)), "%q", body)
		}
	})
}

// firstValue is the first JSON value of a text: like Jackson, the import does not
// look at what follows it.
func firstValue(body []byte) []byte {
	var raw json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&raw); err != nil {
		return body
	}
	return raw
}

// FuzzFields reads anything as a fields parameter.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{"id,name", "*,!sharing", ":owner", "a[b[c]]", "a~rename(x)|size", "a::pluck(b)[b]", "[", "a]", "a;b", "((((", "é"} {
		f.Add(seed)
	}
	a := newAPI(f)
	f.Fuzz(func(t *testing.T, fields string) {
		a := &api{t, a.s, a.user}
		q := strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", "+", "%2B", " ", "%20").Replace(strings.ToValidUTF8(fields, ""))
		q = strings.Map(func(r rune) rune {
			if r < 0x21 || r == 0x7f {
				return -1
			}
			return r
		}, q)
		w := a.do("GET", "/api/dataElements?paging=false&fields="+q, "")
		require.Contains(t, []int{200, 400}, w.Code)
	})
}
