package dhis2_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// The case file is DHIS2's own FieldFilterParserTest and FieldPathConverterTest.
func TestFieldsAreParsedAsInDHIS2sOwnTests(t *testing.T) {
	var cases []struct {
		ID      string
		Name    string
		Request struct{ Body any }
		Expect  struct{ Paths []any }
	}
	readJSON(t, "testdata/field-filter-parser.json", &cases)
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			var texts []string
			switch body := c.Request.Body.(type) {
			case string:
				texts = []string{body}
			case []any:
				for _, b := range body {
					texts = append(texts, b.(string))
				}
			}
			paths, err := dhis2.ParseFields(texts...)
			require.NoError(t, err)
			var got []any
			for _, p := range paths {
				got = append(got, shape(p))
			}
			require.Equal(t, c.Expect.Paths, got)
		})
	}
}

func shape(p dhis2.FieldPath) any {
	if p.Transformers == nil {
		return p.String()
	}
	list := []any{}
	for _, tr := range p.Transformers {
		args := []any{}
		for _, a := range tr.Args {
			args = append(args, a)
		}
		list = append(list, map[string]any{"name": tr.Name, "args": args})
	}
	return map[string]any{"path": p.String(), "transformers": list}
}

func TestFieldErrorsPointAtThePlace(t *testing.T) {
	for in, want := range map[string]string{
		"id name":            "Expected , at position 3 but found: n\n  id name\n     ^",
		"id;name":            "Expected , at position 2 but found: ;\n  id;name\n    ^",
		"好":                  "Expected a name character at position 0 but found: 好\n  好\n  ^",
		"[username":          "Expected a name character at position 0 but found: [\n  [username\n  ^",
		"id,a[id,name]~k(i)": "Expected , at position 13 but found: ~\n  id,a[id,name]~k(i)\n               ^",
	} {
		_, err := dhis2.ParseFields(in)
		require.EqualError(t, err, want)
	}
	for _, fine := range []string{"id,name[", "a]],b", "id,,name", "", ",", "x~", "x~y("} {
		_, err := dhis2.ParseFields(fine)
		require.NoError(t, err, fine)
	}
}

// world is a small store of documents as the sandbox has one.
type world struct {
	schemas dhis2.Schemas
	objects map[string][]*dhis2.Object // by singular
}

func (w *world) Object(singular, uid string) (*dhis2.Object, error) {
	for _, o := range w.objects[singular] {
		if o.Text("id") == uid {
			return o, nil
		}
	}
	return nil, nil
}

func (w *world) Value(s *dhis2.Schema, o *dhis2.Object, p *dhis2.Property) (any, error) {
	if p.Base != "" {
		v, _ := o.Get(p.Base)
		return v, nil
	}
	switch p.Name {
	case "href":
		return "{{base}}/api" + s.Endpoint + "/" + o.Text("id"), nil
	case "access":
		return dhis2.NewObject("manage", true, "write", true, "read", true, "update", true, "delete", true), nil
	case "dataElementGroups":
		groups := []any{}
		for _, g := range slices.Backward(w.objects["dataElementGroup"]) {
			for _, m := range g.List("dataElements") {
				if m.(*dhis2.Object).Text("id") == o.Text("id") {
					groups = append(groups, dhis2.NewObject("id", g.Text("id")))
				}
			}
		}
		return groups, nil
	}
	v, _ := o.Get(p.Name)
	return v, nil
}

// byPlural finds a schema, nil if there is none.
func (w *world) byPlural(plural string) *dhis2.Schema {
	for _, s := range w.schemas {
		if s.Plural == plural {
			return s
		}
	}
	return nil
}

func (w *world) all(singular string) iter.Seq2[*dhis2.Object, error] {
	return func(yield func(*dhis2.Object, error) bool) {
		for _, o := range w.objects[singular] {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// add stores the payload of an import as the sandbox would.
func (w *world) add(payload *dhis2.Object) {
	for _, m := range payload.Members {
		s := w.byPlural(m.Name)
		for _, item := range m.Value.([]any) {
			o := item.(*dhis2.Object)
			for _, d := range []struct {
				name  string
				value any
			}{
				{"created", "2026-11-24T10:00:00.000"}, {"lastUpdated", "2026-11-24T10:00:00.000"}, {"translations", []any{}}, {"attributeValues", []any{}},
				{"lastUpdatedBy", adminRef()}, {"createdBy", adminRef()}, {"user", adminRef()},
				{"sharing", dhis2.NewObject("owner", "{{admin}}", "users", &dhis2.Object{}, "userGroups", &dhis2.Object{}, "public", "rw------")},
				{"zeroIsSignificant", false}, {"aggregationLevels", []any{}}, {"legendSets", []any{}}, {"dataSetElements", []any{}},
				{"categoryCombo", dhis2.NewObject("id", "bjDvmb4bfuf")}, {"optionSetValue", false}, {"dimensionItem", o.Text("id")},
				{"objectTypes", []any{"DATA_ELEMENT"}}, {"options", []any{}}, {"version", json.Number("0")},
			} {
				if _, there := o.Get(d.name); !there && s.Property(d.name) != nil {
					o.Set(d.name, d.value)
				}
			}
			w.objects[s.Singular] = append(w.objects[s.Singular], o)
		}
	}
}

func adminRef() *dhis2.Object {
	return dhis2.NewObject("id", "{{admin}}", "code", "admin", "name", "admin admin", "displayName", "admin admin", "username", "admin")
}

func newWorld() *world {
	id := func(uid string) *dhis2.Object { return dhis2.NewObject("id", uid, "name", "default") }
	combo := id("bjDvmb4bfuf")
	combo.Set("categories", []any{dhis2.NewObject("id", "GLevLNI9wkl")})
	return &world{testSchemas(), map[string][]*dhis2.Object{
		"categoryCombo": {combo}, "category": {id("GLevLNI9wkl")}, "user": {adminRef()},
	}}
}

// TestListsAreAnsweredAsRecorded replays the list scenarios of DHIS2 2.44 against
// the query language alone.
func TestListsAreAnsweredAsRecorded(t *testing.T) {
	var scenarios []struct {
		ID    string
		Steps []struct {
			Do     string
			JSON   json.RawMessage
			Status int
			Body   json.RawMessage
			Any    []string
			Sort   bool
		}
	}
	readJSON(t, "testdata/lists.json", &scenarios)
	for _, s := range scenarios {
		w := newWorld()
		for i, step := range s.Steps {
			if step.JSON != nil {
				payload, err := object(step.JSON)
				require.NoError(t, err)
				w.add(payload)
				continue
			}
			status, got := w.get(t, strings.TrimPrefix(step.Do, "GET "))
			if status == 0 { // no list
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", s.ID, i), func(t *testing.T) {
				require.Equal(t, step.Status, status, "%s: %s", step.Do, got)
				want := strings.NewReplacer("{{*time}}", "2026-11-24T10:00:00.000").Replace(string(step.Body))
				if len(step.Any) > 0 {
					return
				}
				require.JSONEq(t, want, got, step.Do)
			})
		}
	}
}

// get answers a list as the sandbox's handler would; status 0 if it is none.
func (w *world) get(t *testing.T, target string) (status int, body string) {
	t.Helper()
	path, raw, _ := strings.Cut(target, "?")
	p := dhis2.ParsePath(strings.Split(strings.Trim(path, "/"), "/"))
	s := w.byPlural(p.Segments[0])
	gist := len(p.Segments) == 2 && p.Segments[1] == "gist"
	if s == nil || len(p.Segments) > 1 && !gist {
		return 0, ""
	}
	req := dhis2.ListRequest{RawQuery: raw, Self: "{{base}}" + path, Address: "{{base}}/api" + s.Endpoint, GistEndpoint: gist}
	r, err := list(req, s, w.schemas, w.all(s.Singular), w)
	if err != nil {
		var q *dhis2.QueryError
		require.ErrorAs(t, err, &q)
		m, err := q.WebMessage().JSON()
		require.NoError(t, err)
		return q.Status, string(m)
	}
	return 200, text(t, r.Body)
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}
