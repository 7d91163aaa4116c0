package constraints_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

// path reads a plain path without escapes.
func path(s string) dhis2.Path {
	return dhis2.ParsePath(strings.Split(strings.TrimPrefix(s, "/"), "/"))
}

func facts(do string) constraints.Facts {
	method, target, _ := strings.Cut(do, " ")
	p, query, _ := strings.Cut(target, "?")
	return constraints.Facts{Method: method, Path: path(p), Query: query}
}

func TestScopes(t *testing.T) {
	for _, tt := range []struct {
		scopes  string // separated by blanks
		allowed []string
		refused []string
	}{
		{"ALL", []string{"GET /api/me", "POST /api/metadata", "DELETE /api/users/x"}, []string{"GET /", "GET /dhis-web-dashboard/index.html"}},
		{"*:read", []string{"GET /api/me", "HEAD /api/41/users.json", "OPTIONS /api/x", "GET /api/metadata", "GET /api"}, []string{"POST /api/me", "PUT /api/dataStore/a/b", "GET /x"}},
		{"*:write", []string{"POST /api/metadata", "DELETE /api/x"}, []string{"GET /api/me"}},
		{"me:read", []string{"GET /api/me", "GET /api/41/me.json", "GET /api/me/authorities/ALL", "GET /api/me/"}, []string{"GET /api/meta", "GET /api/ME", "PUT /api/me", "GET /api/users", "GET /api", "GET /api/41"}},
		{"dataStore:read", []string{"GET /api/dataStore", "GET /api/dataStore/a/b", "GET /api/dataStore/protections", "GET /api/dataStore/a/keys"}, []string{"POST /api/dataStore/a/b", "GET /api/userDataStore/a", "GET /api/datastore/a"}},
		{"dataStore/scorecards:read", []string{"GET /api/dataStore/scorecards", "GET /api/41/dataStore/scorecards/summary", "GET /api/dataStore/scorecards.json", "GET /api/dataStore/scorecards/keys", "GET /api/dataStore/scorecards/k/metaData", "GET /api/dataStore", "GET /api/dataStore.json?lastUpdated=2027-01-01"},
			[]string{"PUT /api/41/dataStore/scorecards/summary", "GET /api/dataStore?fields=.", "GET /api/userDataStore", "POST /api/dataStore", "GET /api/dataStore/other", "GET /api/dataStore/scorecards2", "GET /api/sharing"}},
		{"dataStore/public-*:write", []string{"POST /api/dataStore/public-a/k", "DELETE /api/dataStore/public-a", "PUT /api/dataStore/public-/k"}, []string{"POST /api/dataStore/private/k", "GET /api/dataStore/public-a/k"}},
		{"dataStore/*:read", []string{"GET /api/dataStore/a", "GET /api/dataStore"}, []string{"GET /api/dataStore/protections"}},
		{"dataStore/ns/k*:read", []string{"GET /api/dataStore/ns/k1", "GET /api/dataStore/ns/k1/metaData", "GET /api/dataStore/ns/keys", "GET /api/dataStore/ns", "GET /api/dataStore"}, []string{"GET /api/dataStore/ns?fields=.", "GET /api/dataStore/ns?%66ields", "GET /api/dataStore/ns?a;b", "GET /api/dataStore/ns?filter=x", "GET /api/dataStore/other", "GET /api/dataStore/other/keys", "GET /api/dataStore/ns/x", "PUT /api/dataStore/ns/k1"}},
		{"dataStore/ns/*:read", []string{"GET /api/dataStore/ns/keys", "GET /api/dataStore/ns"}, []string{"GET /api/dataStore/other/k"}},
		{"dataStore/ns/*:write", []string{"PUT /api/dataStore/ns/k"}, []string{"DELETE /api/dataStore/ns"}},
		{"dataStore/ns/a*b*c:*", []string{"GET /api/dataStore/ns/aXbYc", "PUT /api/dataStore/ns/abc"}, []string{"GET /api/dataStore/ns/abX", "GET /api/dataStore/ns/Xabc", "GET /api/dataStore/ns/ac"}},
		{"dashboards/nghVC4wtyzi:read", []string{"GET /api/dashboards/nghVC4wtyzi", "GET /api/dashboards/nghVC4wtyzi.json"}, []string{"GET /api/dashboards", "GET /api/dashboards/other", "GET /api/dashboards/nghVC4wtyzi/metadata"}},
		{"analytics:read me:read", []string{"GET /api/analytics", "GET /api/analytics/events/query/x", "GET /api/me"}, []string{"GET /api/users"}},
		{"metadata:read", []string{"GET /api/metadata", "GET /api/metadata.json.gz", "GET /api/metadata?users=true", "GET /api/dataSets/abc/metadata", "GET /api/metadata/csvImportClasses"}, []string{"POST /api/metadata", "GET /api/dataElements"}},
		{"metadata:write", []string{"POST /api/metadata", "POST /api/metadata/gml", "PATCH /api/metadata/sharing"}, []string{"GET /api/metadata"}},
		{"metadata:validate", []string{"POST /api/metadata?importMode=VALIDATE", "POST /api/41/metadata.json?x=1&importMode=VALIDATE", "POST /api/metadata?import%4Dode=VALIDATE"},
			[]string{"POST /api/metadata", "POST /api/metadata?importMode=COMMIT", "POST /api/metadata?importMode=validate", "POST /api/metadata?importMode=VALIDATE&importMode=COMMIT", "POST /api/metadata?importMode=COMMIT&importMode=VALIDATE",
				"POST /api/metadata?ImportMode=VALIDATE", "GET /api/metadata", "POST /api/metadata/gml?importMode=VALIDATE", "PUT /api/metadata?importMode=VALIDATE", "POST /api/metadata?importMode=VALIDATE%00", "POST /api/metadata?importMode=%zz"}},
		{"metadata/dataElements:read", []string{
			"GET /api/metadata?dataElements=true", "GET /api/metadata.json?dataElements=TRUE", "GET /api/41/metadata.json.gz?dataElements=true&download=true", "GET /api/metadata?dataElements:fields=id,name",
			"GET /api/metadata?fields=id&dataElements:filter=name:like:A&dataElements:filter=code:!null", "GET /api/metadata?data%45lements=true", "GET /api/metadata?dataElements%3Afields=id", "GET /api/metadata?users=false&dataElements=true", "GET /api/metadata?defaultFields=id&dataElements=true",
		}, []string{
			"GET /api/metadata", "GET /api/metadata?dataElements=false", "GET /api/metadata?dataElements=true&users=true", "GET /api/metadata?dataElements=true&users:fields=id", "GET /api/metadata?dataElements=true&Users=true",
			"GET /api/metadata?dataElements=false&dataElements=true", "GET /api/metadata?dataElements=true&dataElements=false", "GET /api/metadata?dataElement=true", "GET /api/metadata?dataelements=true", "GET /api/metadata?dataElements=yes",
			"GET /api/metadata?dataElements:fields=", "GET /api/metadata?dataElements:foo=1", "GET /api/metadata?dataElements=true;users=true", "GET /api/metadata?%zz=1&dataElements=true", "GET /api/metadata/dataElements", "GET /api/metadata?dataElements=true&us%65rs=true",
			"GET /api/dataElements/x/metadata", "GET /api/dataSets/x/metadata", "GET /api/users/x/metadata", "POST /api/metadata", "GET /api/dataElements", "GET /api/metadata?newType=true&dataElements=true",
		}},
		{"dataElements:read", []string{"GET /api/dataElements", "GET /api/metadata?dataElements=true"}, []string{"GET /api/metadata", "POST /api/dataElements", "GET /api/metadata?indicators=true"}},
		{"metadata/optionSets,options,attributes:read", []string{"GET /api/optionSets/abcdefghijk/metadata", "GET /api/metadata?optionSets=true&options=true"}, []string{"GET /api/dataSets/x/metadata"}},
		{"metadata/options:read metadata/optionSets,attributes:read", []string{"GET /api/optionSets/abcdefghijk/metadata.json"}, nil},
		{"metadata/dataElements:write", []string{"POST /api/metadata"}, []string{"PUT /api/metadata", "GET /api/metadata?dataElements=true", "POST /api/metadata/gml", "PATCH /api/metadata/sharing"}},
	} {
		s := set(attribute(t, constraints.ScopeAllowedList, strings.Fields(tt.scopes)...))
		for _, do := range tt.allowed {
			require.Empty(t, s.Check(facts(do)), "%s allows %s", tt.scopes, do)
		}
		for _, do := range tt.refused {
			require.NotEmpty(t, s.Check(facts(do)), "%s refuses %s", tt.scopes, do)
		}
	}
}

// What an attacker would try to get more out of a scope than it says.
func TestScopesCannotBeWidened(t *testing.T) {
	junk := strings.Repeat("a&", 300)
	for _, tt := range []struct{ name, scopes, allowed, refused string }{
		{"a key named metadata is a key, not an export", "metadata:read", "GET /api/dataSets/abc/metadata", "GET /api/dataStore/ns/metadata"},
		{"and whoever may read the namespace may read it", "dataStore/ns:read", "GET /api/dataStore/ns/metadata", "GET /api/userDataStore/ns/metadata"},
		{"a scope on metadata opens no other resource", "metadata:read", "GET /api/programs/abc/metadata", "GET /api/apps/abc/metadata"},
		{"a suffix that only an older DHIS2 cuts hides no export of dependencies", "dataSets:read", "GET /api/dataSets/abc/sections", "GET /api/dataSets/abc/metadata.x"},
		{"the GET that imports from another server is a write", "metadata:read", "GET /api/metadata", "GET /api/metadata/sync?versionName=v1"},
		{"also for a token that may read everything", "*:read", "GET /api/metadata/version", "GET /api/41/metadata/sync.json"},
		{"the GET that runs a job is a write", "jobConfigurations:read", "GET /api/jobConfigurations/abc", "GET /api/jobConfigurations/abc/execute"},
		{"however it is spelt", "*:read", "GET /api/jobConfigurations/execute", "HEAD /api/39/jobConfigurations/abc/execute.json"},
		{"a selection is not hidden behind parameters that the server drops", "metadata/dataElements:read", "GET /api/metadata?a&b&dataElements=true", "GET /api/metadata?" + junk + "dataElements=true"},
		{"neither is an import mode", "metadata:validate", "POST /api/metadata?a&importMode=VALIDATE", "POST /api/metadata?" + junk + "importMode=VALIDATE"},
		{"a key with a suffix that may belong to it is both keys", "dataStore/ns/report:read", "GET /api/dataStore/ns/report.json", "GET /api/dataStore/ns/report.pdf"},
		{"a glob may cover both", "dataStore/ns/report*:read", "GET /api/dataStore/ns/report.pdf", "GET /api/dataStore/ns/repor.pdf"},
		{"a type that this server may not know selects nothing", "metadata/pushAnalysis,maps:read", "GET /api/metadata?pushAnalysis=true&maps=true", "GET /api/metadata?pushAnalysis=true"},
		{"nor does one that it does not export", "metadata/maps:read minMaxDataElements:read", "GET /api/metadata?maps=true", "GET /api/metadata?minMaxDataElements=true"},
		{"sharing an object is another resource", "dataStore:* dashboards:*", "PUT /api/dashboards/abc", "POST /api/sharing?type=dataStore&id=abc"},
		{"a version segment counts once", "me:read", "GET /api/41/me", "GET /api/41/41/me"},
		{"bulk sharing may name any type", "metadata/dataElements:write", "POST /api/metadata", "PATCH /api/metadata/sharing"},
		{"an import of another format is another path", "metadata/dataElements:write", "POST /api/metadata.json", "POST /api/metadata/gml"},
		{"resources may begin with a digit", "2fa:read", "GET /api/2fa/enabled", "GET /api/me"},
		{"a colon may stand in a key", "dataStore/ns/a:b:read", "GET /api/dataStore/ns/a:b", "GET /api/dataStore/ns/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := set(attribute(t, constraints.ScopeAllowedList, strings.Fields(tt.scopes)...))
			require.Empty(t, s.Check(facts(tt.allowed)), tt.allowed)
			require.NotEmpty(t, s.Check(facts(tt.refused)), tt.refused)
		})
	}
}

func TestTwoScopeAttributesAreBothEnforced(t *testing.T) {
	s := set(attribute(t, constraints.ScopeAllowedList, "me:read", "users:read"), attribute(t, constraints.ScopeAllowedList, "me:*"))
	require.Empty(t, s.Check(facts("GET /api/me")))
	require.NotEmpty(t, s.Check(facts("GET /api/users")))
	require.NotEmpty(t, s.Check(facts("PUT /api/me")))
}

func TestARefusedExportSaysHowToNarrowIt(t *testing.T) {
	s := set(attribute(t, constraints.ScopeAllowedList, "metadata/dataElements:read"))
	later := set(attribute(t, constraints.ScopeAllowedList, "metadata/routes:read")).Check(facts("GET /api/metadata?routes=true"))
	require.Len(t, later, 1)
	require.Contains(t, later[0].Message, "that every DHIS2 knows")
	for do, says := range map[string]string{
		"GET /api/metadata": "select types by dataElements=true",
		"GET /api/metadata?dataElements=true&users=true": "leave out users",
		"GET /api/dataSets/abcdefghijk/metadata":         "the export can contain attributes",
	} {
		failed := s.Check(facts(do))
		require.Len(t, failed, 1)
		require.Contains(t, failed[0].Message, says)
	}
}

func TestBadScopes(t *testing.T) {
	for _, bad := range []string{
		"", "all", "read", "dataStore", "dataStore:", ":read", "dataStore:delete", "dataStore:read:write", "dataStore/:read", "dataStore/a/b/c:read", "dataStore/a//b:read", "*/x:read", "metadata/:read", "metadata/foos:read",
		"metadata/dataElement:read", "metadata/dataElements,:read", "metadata/dataElements:validate", "dataStore:validate", "me/../users:read", "me/%2e:read", "a b:read", "41:read", "-me:read", "me/a;b:read",
	} {
		_, err := constraints.ParseScope(bad)
		require.ErrorIs(t, err, constraints.ErrScope, bad)
	}
}

func TestStoreListsShowOnlyWhatTheScopesCover(t *testing.T) {
	s := set(attribute(t, constraints.ScopeAllowedList, "dataStore/pub*:read", "dataStore/ns/k*:read", "dataStore/w:write", "me:read"))
	visible, limited := s.StoreKeys(path("/api/dataStore"))
	require.True(t, limited)
	for _, tt := range []struct {
		ns, key string
		want    bool
	}{{"public", "", true}, {"public", "x", true}, {"ns", "", true}, {"ns", "k1", true}, {"ns", "x", false}, {"w", "", false}, {"other", "", false}} {
		require.Equal(t, tt.want, visible(tt.ns, tt.key), "%+v", tt)
	}
	_, limited = set(attribute(t, constraints.ScopeAllowedList, "dataStore:read")).StoreKeys(path("/api/dataStore"))
	require.False(t, limited)
	_, limited = constraints.Set{}.StoreKeys(path("/api/dataStore"))
	require.False(t, limited)
}

func TestImportTypesAreThoseOfTheScopes(t *testing.T) {
	post := facts("POST /api/metadata")
	types := func(do constraints.Facts, attributes ...constraints.Attribute) ([]string, bool) {
		return set(attributes...).ImportTypes(do)
	}
	list := func(v ...string) constraints.Attribute { return attribute(t, constraints.ScopeAllowedList, v...) }
	got, limited := types(post, list("metadata/dataElements,indicators:write", "optionSets:write", "users:read"))
	require.True(t, limited)
	require.Equal(t, []string{"dataElements", "indicators", "optionSets"}, got)
	got, limited = types(post, list("metadata/dataElements,indicators:write"), list("metadata/indicators:*"))
	require.True(t, limited)
	require.Equal(t, []string{"indicators"}, got)
	for _, free := range [][]constraints.Attribute{nil, {list("ALL")}, {list("metadata:write")}, {list()}} {
		_, limited = types(post, free...)
		require.False(t, limited)
	}
	_, limited = types(facts("POST /api/metadata?importMode=VALIDATE"), list("metadata:validate"))
	require.False(t, limited)
	_, limited = types(facts("GET /api/metadata"), list("metadata/dataElements:write"))
	require.False(t, limited)
}

func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"ALL", "*:read", "dataStore/a*/b:write", "metadata/dataElements,indicators:read", "metadata:validate", "a/b/c:*"} {
		f.Add(s, "GET", "api/dataStore/a/b", "x=1")
	}
	f.Fuzz(func(t *testing.T, scope, method, p, query string) {
		a, err := constraints.ParseAttribute(constraints.ScopeAllowedList, []string{scope})
		if err != nil {
			return
		}
		at := constraints.Facts{Method: method, Path: dhis2.ParsePath(strings.Split(p, "/")), Query: query}
		if len(set(a).Check(at)) == 0 && !at.Path.API {
			t.Fatalf("%q passes outside /api: %q", scope, p)
		}
	})
}

func FuzzParseReferrer(f *testing.F) {
	f.Add("https://moh.example", "https://moh.example/")
	f.Add("moh.example", "https://moh.example@evil.example/")
	f.Fuzz(func(t *testing.T, entry, referer string) {
		a, err := constraints.ParseAttribute(constraints.RefererAllowedList, []string{entry})
		if err != nil {
			return
		}
		if len(set(a).Check(constraints.Facts{Referers: []string{"null"}})) == 0 {
			t.Fatalf("%q lets null pass", entry)
		}
		set(a).Check(constraints.Facts{Referers: []string{referer}})
	})
}
