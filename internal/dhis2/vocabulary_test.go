package dhis2_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

func TestWebMessageMembersStandInDHIS2Order(t *testing.T) {
	m := dhis2.NewMessage(409, dhis2.StatusWarning, dhis2.ErrorsInReport)
	m.ErrorCode = "E1004"
	m = m.WithResponse(dhis2.NewObjectResponse("org.hisp.dhis.option.OptionSet", "I022s000000"))
	body, err := m.JSON()
	require.NoError(t, err)
	require.Equal(t, `{"httpStatus":"Conflict","httpStatusCode":409,"status":"WARNING",`+
		`"message":"One or more errors occurred, please see full details in import report.",`+
		`"response":{"uid":"I022s000000","klass":"org.hisp.dhis.option.OptionSet","errorReports":[],"responseType":"ObjectReport"},`+
		`"errorCode":"E1004"}`, string(body))
}

func TestWebMessageXMLHasAttributesAndChildren(t *testing.T) {
	m := dhis2.Conflict("a & b").WithResponse(dhis2.NewObjectResponse("k", "", dhis2.ErrorReport{Message: "m", ErrorCode: "E4000", ErrorProperties: []any{"p"}}))
	body, err := m.XML()
	require.NoError(t, err)
	require.Equal(t, `<webMessage xmlns="http://dhis2.org/schema/dxf/2.0" httpStatus="Conflict" httpStatusCode="409" status="ERROR" errorCode="E1004">`+
		`<message>a &amp; b</message><response><klass>k</klass><errorReports><errorReport><message>m</message><errorCode>E4000</errorCode>`+
		`<errorProperties><errorProperty>p</errorProperty></errorProperties></errorReport></errorReports>`+
		`<responseType>ObjectReport</responseType></response></webMessage>`, string(body))
}

func TestUIDIsALetterAndTenLettersOrDigits(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		uid, err := dhis2.NewUID(rand.Reader)
		require.NoError(t, err)
		require.True(t, dhis2.IsUID(uid), uid)
		require.False(t, seen[uid])
		seen[uid] = true
	}
}

func TestUIDSkipsBytesThatWouldFavourSomeCharacters(t *testing.T) {
	// 208 and above are no multiple of 52, 248 and above none of 62
	in := append([]byte{255, 208, 0}, bytes.Repeat([]byte{248, 61}, 20)...)
	uid, err := dhis2.NewUID(bytes.NewReader(in))
	require.NoError(t, err)
	require.Equal(t, "a9999999999", uid)
}

func TestUIDFailsWhenRandomnessDoes(t *testing.T) {
	broken := errors.New("broken")
	_, err := dhis2.NewUID(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func TestIsUID(t *testing.T) {
	for s, want := range map[string]bool{
		"nghVC4wtyzi": true, "a1234567890": true, "1ghVC4wtyzi": false, "nghVC4wtyz": false, "nghVC4wtyzi1": false,
		"nghVC4wtyz-": false, "nghVC4wtyzé": false, "": false,
	} {
		require.Equal(t, want, dhis2.IsUID(s), s)
	}
}

func TestDangerousAuthorities(t *testing.T) {
	for a, want := range map[string]bool{
		"ALL": true, "F_USER_ADD": true, "F_USER_ADD_WITHIN_MANAGED_GROUP": true, "F_DATASET_DELETE": true, "F_IMPERSONATE_USER": true,
		"F_METADATA_IMPORT": true, "F_SYSTEM_SETTING": true, "F_PERFORM_MAINTENANCE": true, "F_OAUTH2_CLIENT_MANAGE": true,
		"M_dhis-web-app-management": true,
		"F_METADATA_EXPORT":         false, "F_USER_VIEW": false, "M_dhis-web-dashboard": false, "F_VIEW_EVENT_ANALYTICS": false, "F_ADDRESS": false,
	} {
		require.Equal(t, want, dhis2.Dangerous(a), a)
	}
	require.Equal(t, []string{"ALL"}, dhis2.DangerousOf([]string{"F_USER_VIEW", "ALL"}))
}

func TestPathIsReadInDHIS2Words(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want dhis2.Path
	}{
		{[]string{"api", "41", "dataStore", "ns.json"}, dhis2.Path{API: true, Version: "41", Segments: []string{"dataStore", "ns"}, Suffix: ".json"}},
		{[]string{"api", "metadata.json.gz"}, dhis2.Path{API: true, Segments: []string{"metadata"}, Suffix: ".json.gz"}},
		{[]string{"api", "dataStore", "a.b.json", ""}, dhis2.Path{API: true, Segments: []string{"dataStore", "a.b.json"}}},
		{[]string{"api", "v41"}, dhis2.Path{API: true, Segments: []string{"v41"}}},
		{[]string{"apps", "x.html"}, dhis2.Path{Segments: []string{"apps", "x.html"}}},
		{nil, dhis2.Path{}},
	} {
		require.Equal(t, tt.want, dhis2.ParsePath(tt.in))
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("api", "41", "dataStore.json")
	f.Add("api", "metadata.xml.gz", "")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		in := []string{a, b, c}
		p := dhis2.ParsePath(in)
		require.Equal(t, []string{a, b, c}, in, "the caller's segments stay as they are")
		require.Equal(t, a == "api", p.API)
		n := len(p.Segments)
		if p.Suffix != "" {
			require.NotEmpty(t, p.Segments[n-1], "a suffix never is the whole name")
		}
	})
}
