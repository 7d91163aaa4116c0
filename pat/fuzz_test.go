package pat_test

import (
	"net/http"
	"testing"

	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

// Whatever is sent, the answer is one of DHIS2's, nothing panics, and no limit that
// a token had is lost by a patch that fails.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"replace","path":"/version","value":3}]`, `[{"op":"add","path":"/attributes/-","value":{"type":"IpAllowedList","allowedIps":["::1"]}}]`,
		`[{"op":"remove","path":"/attributes/0"}]`, `[{"op":"remove-by-id","path":"/attributes","id":"x"}]`, `[`, `{}`, `[{"op":"replace","path":"/sharing/users/x","value":1}]`,
	} {
		f.Add(seed)
	}
	c := newCalling(f)
	f.Fuzz(func(t *testing.T, body string) {
		c.t = t
		uid := c.make(nurse, `{"attributes":[{"type":"MethodAllowedList","allowedMethods":["GET"]}]}`)
		r := c.call(nurse, "PATCH /"+uid, body)
		require.NoError(t, r.err)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusConflict}, r.Code, r.Body.String())
		if r.Code != http.StatusOK {
			got, err := c.store.TokenByUID(t.Context(), uid)
			require.NoError(t, err)
			require.True(t, got.Constraints.Limited())
		}
		require.NoError(t, c.store.DeleteToken(t.Context(), uid))
	})
}

// What is stored of attributes is read back as it was, or not at all.
func FuzzDecodeAttributes(f *testing.F) {
	f.Add(`[{"type":"IpAllowedList","allowedIps":["10.0.0.0/8"]}]`)
	f.Add(`[{"type":"ScopeAllowedList","allowedScopes":["dataStore/a-*:read"]}]`)
	f.Add(`[ ]`)
	f.Fuzz(func(t *testing.T, text string) {
		attributes, err := pat.DecodeAttributes(text)
		if err != nil {
			return
		}
		again, err := pat.EncodeAttributes(attributes)
		require.NoError(t, err)
		same, err := pat.DecodeAttributes(again)
		require.NoError(t, err)
		require.Equal(t, attributes, same)
	})
}
