package sandbox_test

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox"
)

// installApp sends a zip whose manifest names a namespace.
func (b *box) installApp(name, namespace string) answer {
	b.t.Helper()
	var archive, body bytes.Buffer
	z := zip.NewWriter(&archive)
	f, err := z.Create("manifest.webapp")
	require.NoError(b.t, err)
	_, err = fmt.Fprintf(f, `{"name":%q,"short_name":%q,"version":"1.0.0","activities":{"dhis":{"href":"*","namespace":%q}}}`, name, name, namespace)
	require.NoError(b.t, err)
	require.NoError(b.t, z.Close())
	m := multipart.NewWriter(&body)
	part, err := m.CreateFormFile("file", "app.zip")
	require.NoError(b.t, err)
	_, err = part.Write(archive.Bytes())
	require.NoError(b.t, err)
	require.NoError(b.t, m.Close())
	return b.as(asAdmin, "POST", "/api/apps", body.String(), "Content-Type: "+m.FormDataContentType())
}

// totp is RFC 6238, written here once more so that the sandbox's own is held
// against something.
func totp(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	require.NoError(t, err)
	h := hmac.New(sha1.New, key)
	require.NoError(t, binary.Write(h, binary.BigEndian, at.Unix()/30))
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7FFFFFFF
	return fmt.Sprintf("%06d", n%1e6)
}

func TestTheWordsOfEachGeneration(t *testing.T) {
	boxes := map[string]*box{}
	boxOf := func(version string) *box {
		if boxes[version] == nil {
			boxes[version] = open(t, sandbox.Config{Version: version})
		}
		return boxes[version]
	}
	for _, tt := range []struct {
		version, request, body string
		status                 int
		message                string
	}{
		{"2.36", "POST /api/dataStore/ns/k", "1", 201, "Key 'k' created."},
		{"2.37", "POST /api/dataStore/ns/k", "1", 201, "Key created: 'k'"},
		{"2.36", "POST /api/dataStore/ns/k", "1", 409, "The key 'k' already exists on the namespace 'ns'."},
		{"2.37", "POST /api/dataStore/ns/k", "1", 409, "Key 'k' already exists in namespace 'ns'"},
		{"2.36", "POST /api/dataStore/ns/l", "/x/", 400, "The data is not valid JSON."},
		{"2.37", "POST /api/dataStore/ns/l", "/x/", 400, "Invalid JSON value for key 'l'"},
		{"2.36", "PUT /api/dataStore/ns/k", "2", 200, "Key 'k' updated."},
		{"2.37", "PUT /api/dataStore/ns/k", "2", 200, "Key updated: 'k'"},
		{"2.36", "PUT /api/dataStore/ns/none", "2", 404, "The key 'none' was not found in the namespace 'ns'."},
		{"2.37", "PUT /api/dataStore/ns/none", "2", 404, "Key 'none' not found in namespace 'ns'"},
		{"2.36", "GET /api/dataStore/none", "", 404, "The namespace 'none' was not found."},
		{"2.36", "POST /api/userDataStore/ns/k", "1", 201, "Key 'k' in namespace 'ns' created."},
		{"2.37", "POST /api/userDataStore/ns/k", "1", 201, "Key 'k' in namespace 'ns' created."},
		{"2.36", "PUT /api/userDataStore/ns/k", "1", 201, "Key 'k' in namespace 'ns' updated."},
		{"2.38", "PUT /api/userDataStore/ns/k", "1", 201, "Key 'k' in namespace 'ns' created."},
		{"2.38", "PUT /api/userDataStore/ns/k", "1", 200, "Key updated: 'k'"},
		{"2.38", "DELETE /api/userDataStore/ns/k", "", 200, "Key 'k' deleted from the namespace 'ns'."},
		{"2.37", "DELETE /api/userDataStore/ns", "", 200, "All keys from namespace 'ns' deleted."},
		{"2.36", "DELETE /api/dataStore/ns/k", "", 200, "Key 'k' deleted from namespace 'ns'."},
		{"2.37", "DELETE /api/dataStore/ns", "", 200, "Namespace deleted: 'ns'"},
		{"2.40", "PUT /api/userDataStore/ns/k", "1", 201, "Key 'k' in namespace 'ns' created."},
		{"2.40", "DELETE /api/userDataStore/ns", "", 200, "Namespace deleted: 'ns'"},
		{"2.41", "POST /api/dataStore/ns", "1", 405, "Request method 'POST' not supported"},
		{"2.41", "GET /api/dataValueSets", "", 409, "At least one organisation unit or organisation unit group must be specified"},
		{"2.44", "GET /api/dataValueSets", "", 409, "At least one data element, data set or data element group must be specified"},
		{"2.41", "POST /api/maintenance/categoryOptionComboUpdate", "", 204, ""},
	} {
		b := boxOf(tt.version)
		method, path, _ := strings.Cut(tt.request, " ")
		a := b.as(asAdmin, method, path, tt.body)
		require.Equal(t, tt.status, a.status, "%s %s: %s", tt.version, tt.request, a.body)
		require.Equal(t, tt.message, a.message(), "%s %s", tt.version, tt.request)
	}
	b := boxOf("2.36")
	require.Equal(t, 201, b.installApp("old", "old-ns").status)
	require.Equal(t, "The namespace 'old-ns' is protected, and you don't have the right authority to access it.", b.as(asNurse, "GET", "/api/dataStore/old-ns", "").message())
}

func TestAHiddenNamespaceTakesWritesAndStoresNothing(t *testing.T) {
	b := open(t, sandbox.Config{})
	require.Equal(t, 201, b.as(asNurse, "POST", "/api/dataStore/METADATASTORE/k", "1").status)
	require.Equal(t, 404, b.as(asAdmin, "GET", "/api/dataStore/METADATASTORE/k", "").status)
	require.Equal(t, 201, b.as(asAdmin, "POST", "/api/dataStore/METADATASTORE/k", "1").status)
	require.Equal(t, 201, b.as(asNurse, "PUT", "/api/dataStore/METADATASTORE/k", "2").status)
	require.Equal(t, "1", b.as(asAdmin, "GET", "/api/dataStore/METADATASTORE/k", "").body)
	require.Equal(t, 404, b.as(asNurse, "GET", "/api/dataStore/METADATASTORE/k", "").status)
	require.NotContains(t, b.as(asNurse, "GET", "/api/dataStore", "").body, "METADATASTORE")
	require.Contains(t, b.as(asNurse, "GET", "/api/dataStore/METADATASTORE?fields=.", "").message(), "Unknown error when running the query: ")
}

func TestEntriesAreSortedWithNoMoreThanAPageInMemory(t *testing.T) {
	b := open(t, sandbox.Config{})
	for n := range 150 {
		require.Equal(t, 201, b.as(asAdmin, "POST", fmt.Sprintf("/api/dataStore/many/k%03d", n), fmt.Sprintf(`{"n": %d}`, (n*37)%150)).status)
	}
	a := b.as(asAdmin, "GET", "/api/dataStore/many?fields=n&order=n:ndesc&page=2&pageSize=3&headless=true", "")
	require.Equal(t, 3, strings.Count(a.body, `"n":`))
	require.Contains(t, a.body, `"n":146}`)
	require.Contains(t, a.body, `"n":145}`)
	require.Contains(t, a.body, `"n":144}`)
	a = b.as(asAdmin, "GET", "/api/dataStore/many?fields=&paging=false&headless=true", "")
	require.Equal(t, 150, strings.Count(a.body, `"key":`), "a scan goes on after each batch of rows")
	a = b.as(asAdmin, "GET", "/api/dataStore/many?fields=&order=_:desc&page=50&pageSize=3&headless=true", "")
	require.Equal(t, `[{"key":"k002"},{"key":"k001"},{"key":"k000"}]`, a.body)
}

func TestAnAppThatIsRemovedOpensItsNamespace(t *testing.T) {
	b := open(t, sandbox.Config{})
	require.Equal(t, 201, b.installApp("my app!", "closed").status)
	require.Equal(t, 409, b.installApp("second", "closed").status)
	require.Equal(t, "Namespace 'closed' is protected, access denied", b.as(asNurse, "POST", "/api/dataStore/closed/k", "1").message())
	require.Equal(t, 204, b.as(asAdmin, "DELETE", "/api/apps/my-app", "").status)
	require.Equal(t, 201, b.as(asNurse, "POST", "/api/dataStore/closed/k", "1").status)
}

func TestOfManyWhoCreateOneKeyOneDoes(t *testing.T) {
	b := open(t, sandbox.Config{})
	statuses := make(chan int, 20)
	for range cap(statuses) {
		go func() { statuses <- b.as(asAdmin, "POST", "/api/dataStore/race/k", "1").status }()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	require.Equal(t, map[int]int{201: 1, 409: 19}, count)
}
