package metadata_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// api asks a service as a server would, as one user.
type api struct {
	t    testing.TB
	s    *metadata.Service
	user *metadata.User
}

func newAPI(t testing.TB) *api {
	s := open(t, "")
	return &api{t, s, admin(t, s)}
}

// do sends a request; headers are pairs.
func (a *api) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	p := dhis2.ParsePath(strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/"))
	require.True(a.t, a.s.Owns(p.Segments), target)
	w := httptest.NewRecorder()
	a.s.ServeHTTP(w, r, a.user, p.Segments)
	return w
}

// answer sends a request and reads its JSON answer.
func (a *api) answer(status int, method, target, body string, headers ...string) map[string]any {
	a.t.Helper()
	w := a.do(method, target, body, headers...)
	require.Equal(a.t, status, w.Code, w.Body.String())
	var out map[string]any
	if w.Body.Len() > 0 {
		require.NoError(a.t, json.Unmarshal(w.Body.Bytes(), &out), w.Body.String())
	}
	return out
}

const element = `{"id":"%s","name":"%s","shortName":"%s","aggregationType":"SUM","domainType":"AGGREGATE","valueType":"NUMBER"}`

func dataElement(uid, name string) string { return fmt.Sprintf(element, uid, name, name) }

func TestAnImportWithAnErrorStoresNothingUnlessItIsBestEffort(t *testing.T) {
	a := newAPI(t)
	body := `{"dataElements":[` + dataElement("Element0001", "one") + `,{"id":"Element0002","name":"two"}]}`
	r := a.answer(409, "POST", "/api/metadata", body)
	require.Equal(t, "ERROR", r["response"].(map[string]any)["status"])
	a.answer(404, "GET", "/api/dataElements/Element0001", "")
	r = a.answer(409, "POST", "/api/metadata?atomicMode=NONE", body)
	require.Equal(t, "WARNING", r["response"].(map[string]any)["status"])
	a.answer(200, "GET", "/api/dataElements/Element0001", "")
	a.answer(404, "GET", "/api/dataElements/Element0002", "")
}

func TestAValidationStoresNothing(t *testing.T) {
	a := newAPI(t)
	a.answer(200, "POST", "/api/metadata?importMode=VALIDATE", `{"dataElements":[`+dataElement("Element0001", "one")+`]}`)
	a.answer(404, "GET", "/api/dataElements/Element0001", "")
}

func TestABodyMayBeGzipOrZipWhateverItsHeaders(t *testing.T) {
	a := newAPI(t)
	plain := `{"dataElements":[` + dataElement("Element0001", "one") + `]}`
	var g bytes.Buffer
	z := gzip.NewWriter(&g)
	_, err := z.Write([]byte(plain))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	a.answer(200, "POST", "/api/metadata", g.String())
	a.answer(200, "GET", "/api/dataElements/Element0001", "")

	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	w, err := zw.Create("metadata.json")
	require.NoError(t, err)
	_, err = w.Write([]byte(strings.ReplaceAll(strings.ReplaceAll(plain, "Element0001", "Element0002"), "one", "two")))
	require.NoError(t, err)
	require.NoError(t, zw.Close())
	a.answer(200, "POST", "/api/metadata", b.String())
	a.answer(200, "GET", "/api/dataElements/Element0002", "")
}

func TestBadBodiesAreAnsweredAndStoreNothing(t *testing.T) {
	var half bytes.Buffer
	z := gzip.NewWriter(&half)
	_, err := z.Write([]byte(`{"dataElements":[` + dataElement("Element0001", "one") + `]}`))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	cut := half.String()[:half.Len()-12]
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"ends early":         {`{"dataElements":[` + dataElement("Element0001", "one"), 409},
		"nested too deeply":  {`{"dataElements":[{"x":` + strings.Repeat("[", 2000), 409},
		"number too long":    {`{"dataElements":[{"x":` + strings.Repeat("9", 2000) + `}]}`, 409},
		"invalid UTF-8":      {"{\"dataElements\":[{\"name\":\"\xff\xfe\"}]}", 409},
		"overlong UTF-8":     {"{\"dataElements\":[{\"name\":\"\xc0\xaf\"}]}", 409},
		"a half surrogate":   {"{\"dataElements\":[{\"name\":\"\xed\xa0\x80\"}]}", 409},
		"control character":  {"{\"dataElements\":[{\"name\":\"\x01\"}]}", 409},
		"truncated gzip":     {cut, 400},
		"broken gzip":        {"\x1f\x8b\x08\x00nonsense", 400},
		"broken zip":         {"PK\x03\x04nonsense", 400},
		"a uid that is none": {`{"dataElements":[` + dataElement("../../etc/x", "one") + `]}`, 409},
		"a text for a list":  {`{"dataElements":[{"id":"Element0001","legendSets":"x"}]}`, 409},
		"a bad date":         {`{"organisationUnits":[{"openingDate":"tomorrow"}]}`, 400},
		"a number too large": {`{"constants":[{"name":"a","shortName":"a","value":1e999}]}`, 409},
		"an int too large":   {`{"indicatorTypes":[{"name":"a","factor":99999999999}]}`, 409},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			w := a.do("POST", "/api/metadata", c.body)
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
			a.answer(404, "GET", "/api/dataElements/Element0001", "")
		})
	}
}

func TestAZipBombIsRefused(t *testing.T) {
	var g bytes.Buffer
	z, err := gzip.NewWriterLevel(&g, gzip.BestCompression)
	require.NoError(t, err)
	_, err = z.Write([]byte(`{"x":"`))
	require.NoError(t, err)
	zeros := bytes.Repeat([]byte(" "), 1<<20)
	for range 40 {
		_, err = z.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.Less(t, g.Len(), 1<<20)
	w := newAPI(t).do("POST", "/api/metadata", g.String())
	require.Contains(t, []int{409, 413}, w.Code, w.Body.String())
}

func TestOfAMemberThatStandsTwiceTheLastCounts(t *testing.T) {
	a := newAPI(t)
	a.answer(200, "POST", "/api/metadata", `{"dataElements":[{"id":"Element0001","name":"first","name":"last","shortName":"s","aggregationType":"SUM","domainType":"AGGREGATE","valueType":"NUMBER"}]}`)
	require.Equal(t, "last", a.answer(200, "GET", "/api/dataElements/Element0001?fields=name", "")["name"])
}

func TestUnitsWhoseParentsFormACycleAreStoredAndRead(t *testing.T) {
	a := newAPI(t)
	unit := `{"id":"%s","name":"%s","shortName":"%s","openingDate":"2020-01-01","parent":{"id":"%s"}}`
	body := `{"organisationUnits":[` + fmt.Sprintf(unit, "UnitCycle01", "a", "a", "UnitCycle02") + `,` + fmt.Sprintf(unit, "UnitCycle02", "b", "b", "UnitCycle01") + `]}`
	w := a.do("POST", "/api/metadata", body)
	require.Contains(t, []int{200, 409}, w.Code)
	a.do("GET", "/api/organisationUnits/UnitCycle01?fields=parent[parent[parent[parent[id]]]],children[children[id]]", "")
	require.Equal(t, 200, a.do("GET", "/api/metadata?organisationUnits=true", "").Code)
}

func TestAPasswordNeverLeaves(t *testing.T) {
	a := newAPI(t)
	a.answer(201, "POST", "/api/users", `{"username":"worker","firstName":"A","surname":"B","password":"Secret-word-1","userRoles":[{"id":"yrB6vc5Ip3r"}]}`)
	for _, target := range []string{"/api/users?fields=*,password&paging=false", "/api/metadata", "/api/metadata?users:fields=password,:all", "/api/users/gist?fields=username,password"} {
		w := a.do("GET", target, "")
		require.NotContains(t, w.Body.String(), "Secret-word-1", target)
		require.NotContains(t, w.Body.String(), "$2a$", target)
	}
}

func TestAPasswordCannotBeFoundByFilter(t *testing.T) {
	a := newAPI(t)
	require.Equal(t, 400, a.do("GET", "/api/users?filter=password:like:a&paging=false", "").Code)
}

func TestWhoMayNotReadFindsNothing(t *testing.T) {
	a := newAPI(t)
	a.answer(201, "POST", "/api/dataElements", strings.Replace(dataElement("Element0001", "hidden"), `{`, `{"sharing":{"public":"--------"},`, 1))
	nurse, err := a.s.UserByUsername(t.Context(), "nurse")
	require.NoError(t, err)
	a.user = nurse
	a.answer(404, "GET", "/api/dataElements/Element0001", "")
	require.Empty(t, a.answer(200, "GET", "/api/dataElements", "")["dataElements"])
	require.NotContains(t, a.do("GET", "/api/metadata?dataElements=true", "").Body.String(), "Element0001")
	a.answer(409, "GET", "/api/metadata", "")
	a.answer(403, "POST", "/api/dataElements", dataElement("Element0002", "mine"))
	a.answer(403, "GET", "/api/users", "")
}

func TestAnExportBrokenOffIsNoWholeAnswer(t *testing.T) {
	a := newAPI(t)
	require.Panics(t, func() {
		r := httptest.NewRequest("GET", "/api/metadata", nil)
		a.s.ServeHTTP(&brokenWriter{header: http.Header{}}, r, a.user, []string{"metadata"})
	})
}

// brokenWriter is a connection that the client has closed.
type brokenWriter struct{ header http.Header }

func (w *brokenWriter) Header() http.Header       { return w.header }
func (w *brokenWriter) WriteHeader(int)           {}
func (w *brokenWriter) Write([]byte) (int, error) { return 0, fmt.Errorf("connection reset") }

func TestUpTo38MetadataIsXMLToo(t *testing.T) {
	a := &api{t: t, s: openVersion(t, "2.38")}
	a.user = admin(t, a.s)
	a.answer(200, "POST", "/api/metadata", `{"dataElements":[`+dataElement("Element0001", "one & only")+`]}`)
	w := a.do("GET", "/api/metadata.xml?dataElements=true", "")
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), `name="one &amp; only"`)

	b := &api{t: t, s: openVersion(t, "2.38")}
	b.user = admin(t, b.s)
	require.Equal(t, 200, b.do("POST", "/api/metadata", w.Body.String(), "Content-Type", "application/xml", "Accept", "application/xml").Code)
	require.Equal(t, "one & only", b.answer(200, "GET", "/api/dataElements/Element0001", "")["name"])
	require.Equal(t, 406, newAPI(t).do("GET", "/api/metadata.xml", "").Code, "2.44 has none")
}
