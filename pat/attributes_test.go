package pat_test

import (
	"testing"

	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

func TestAttributesAreKeptInDHIS2sForm(t *testing.T) {
	const rows = `[{"type":"IpAllowedList","allowedIps":["10.0.0.0/8"]},{"type":"MethodAllowedList","allowedMethods":[]},` +
		`{"type":"RefererAllowedList","allowedReferrers":["https://moh.example.org/a"]},{"type":"ScopeAllowedList","allowedScopes":["me:read"]}]`
	attributes, err := pat.DecodeAttributes(rows)
	require.NoError(t, err)
	require.Len(t, attributes, 4)
	text, err := pat.EncodeAttributes(attributes)
	require.NoError(t, err)
	require.JSONEq(t, rows, text)
}

func TestALimitThatIsNotUnderstoodIsNotLeftOut(t *testing.T) {
	for _, text := range []string{
		`{`, `{}`, `[{"type":"NoSuchList","allowedIps":[]}]`, `[{"allowedIps":["10.0.0.1"]}]`,
		`[{"type":"IpAllowedList","allowedIps":["X.1.1.1"]}]`, `[{"type":"IpAllowedList","allowedIps":"10.0.0.1"}]`,
		`[{"type":"MethodAllowedList","allowedMethods":["FLY"]}]`, `[null]`,
	} {
		_, err := pat.DecodeAttributes(text)
		require.Error(t, err, text)
	}
	none, err := pat.DecodeAttributes("[]")
	require.NoError(t, err)
	require.Empty(t, none)
}
