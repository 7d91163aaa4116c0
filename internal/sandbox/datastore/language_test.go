package datastore_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

func TestTheCasesOfTheQueryParserHold(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/cases/datastore-query-parser.json")
	require.NoError(t, err)
	var cases []struct {
		ID      string
		Request struct{ Method, Body string }
		Expect  struct {
			Paths                      []string
			Normalised, Error, Message string
		}
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if c.Request.Method == "PARSE_DATASTORE_FIELDS" {
				fields, err := datastore.ParseFields(c.Request.Body)
				require.NoError(t, err)
				var paths []string
				for _, f := range fields {
					paths = append(paths, strings.Join(f.Path, "."))
				}
				require.Equal(t, c.Expect.Paths, paths)
				return
			}
			path, err := datastore.NormalisePath(c.Request.Body)
			if c.Expect.Error == "" {
				require.NoError(t, err)
				require.Equal(t, c.Expect.Normalised, path)
				return
			}
			p := problem.From(err)
			require.NotNil(t, p)
			require.Equal(t, c.Expect.Error, p.Code)
			require.Equal(t, c.Expect.Message, p.Message)
		})
	}
}

func TestAFilterMatchesOnlyNodesOfItsValuesType(t *testing.T) {
	for _, tt := range []struct {
		filter, value string
		want          bool
	}{
		{"n:eq:10", `{"n": 10}`, true},
		{"n:eq:10.0", `{"n": 10}`, true},
		{"n:eq:'10'", `{"n": 10}`, false},
		{"n:ne:10", `{"n": "10"}`, false},
		{"n:ne:10", `{"n": 11}`, true},
		{"n:eq:-3", `{"n": -3}`, false},
		{"ok:!eq:true", `{"ok": false}`, true},
		{"ok:!eq:true", `{}`, false},
		{"s:like:a*c", `{"s": "xabbc"}`, true},
		{"s:$like:x", `{"s": "xabbc"}`, true},
		{"s:like$:x", `{"s": "xabbc"}`, false},
		{"s:!ilike$:BC", `{"s": "xabbc"}`, false},
		{"s:like:a.b", `{"s": "aXb"}`, false},
		{"s:empty", `{"s": []}`, true},
		{"s:!empty", `{"s": 0}`, false},
		{"s:null", `{"s": null}`, true},
		{"s:!null", `{}`, false},
		{"s:eq:[]", `{"s": []}`, false},
		{"s:!eq:[]", `{"s": [1]}`, true},
		{"s:in:[a,b]", `{"s": "b"}`, true},
		{"s:!in:[a,b]", `{"s": 1}`, false},
	} {
		fs, err := datastore.ParseFilters([]string{tt.filter})
		require.NoError(t, err, tt.filter)
		v, err := jsonb.Parse(tt.value)
		require.NoError(t, err)
		require.Equal(t, tt.want, fs[0].Matches("key", v, true), "%s of %s", tt.filter, tt.value)
	}
}

func TestWhatTheDatabaseCannotCompareIsAnErrorOfTheQuery(t *testing.T) {
	for _, f := range []string{"age:like:9", "ok:like:true", "_:eq:42", "_:like:4", "age:in:5"} {
		_, err := datastore.ParseFilters([]string{f})
		p := problem.From(err)
		require.NotNil(t, p, f)
		require.Equal(t, 400, p.Status)
		require.Contains(t, p.Message, "Unknown error when running the query: ")
	}
}

// FuzzDatastoreFields: whatever is sent is read or refused with DHIS2's codes.
func FuzzDatastoreFields(f *testing.F) {
	for _, s := range []string{"name,o[p(q),z]", "a~hoist(b.c)", ".", "x[", "]]", "é", "~hoist(", "a.b~hoist()", "0~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fields, err := datastore.ParseFields(s)
		if err != nil {
			if p := problem.From(err); p == nil || p.Code != "E7650" && p.Code != "E7651" {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, x := range fields {
			if len(x.Alias) == 0 || len(x.Path) > 6 {
				t.Fatalf("%q: %+v", s, x)
			}
		}
	})
}

// FuzzDatastoreFilter: whatever is sent is read or refused, and what is read can
// be run.
func FuzzDatastoreFilter(f *testing.F) {
	for _, s := range []string{"name:eq:x", "_:in:[a,b],_:like:c", "a[0].b~gt~5", "x:!ilike$:\\", "x:like:[(*%_", "::", "a:null", ",", "a:eq:{}"} {
		f.Add(s)
	}
	doc, err := jsonb.Parse(`{"a": [{"b": 9}], "name": "x", "x": "[(", "n": null}`)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		filters, err := datastore.ParseFilters([]string{s})
		if err != nil {
			if problem.From(err) == nil {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, x := range filters {
			x.Matches("key", doc, true)
		}
	})
}
