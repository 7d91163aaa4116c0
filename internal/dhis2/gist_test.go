package dhis2_test

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// users-gist of DHIS2 2.44: one object shows uids, a single field below it bare
// values.
func TestGistOfOneObjectAndOfItsCollection(t *testing.T) {
	w := newWorld()
	payload, err := object([]byte(`{"dataElements":[{"id":"L040d000000","name":"d"}],"dataElementGroups":[{"id":"L040g000000","name":"g","dataElements":[{"id":"L040d000000"}]}]}`))
	require.NoError(t, err)
	w.add(payload)
	group := w.objects["dataElementGroup"][0]
	o, err := dhis2.GistOne([]string{"name,dataElements"}, group, w.schemas["dataElementGroup"], w.schemas, w)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"g","dataElements":["L040d000000"],"apiEndpoints":{"dataElements":"/api/dataElementGroups/L040g000000/dataElements/gist"}}`, text(t, o))

	req := dhis2.ListRequest{RawQuery: "fields=name", Self: "/api/dataElementGroups/L040g000000/dataElements/gist", GistEndpoint: true, GistCollection: true}
	r, err := list(req, w.schemas["dataElement"], w.schemas, w.all("dataElement"), w)
	require.NoError(t, err)
	require.JSONEq(t, `{"pager":{"page":1,"pageSize":50,"nextPage":"/api/dataElementGroups/L040g000000/dataElements/gist?fields=name&page=2"},"gist":true,"dataElements":["d"]}`, text(t, r.Body))
}

func TestAGistOperatorOfTheBridgeWorksThere(t *testing.T) {
	w := newWorld()
	payload, err := object([]byte(`{"categories":[{"id":"L040a000000","name":"Alpha"},{"id":"L040b000000","name":"Beta"}]}`))
	require.NoError(t, err)
	w.add(payload)
	r, err := list(dhis2.ListRequest{RawQuery: "fields=name&filter=name:!startsWith:al,name:!eq:default"}, w.schemas["category"], w.schemas, w.all("category"), w)
	require.NoError(t, err)
	require.True(t, r.Gist)
	require.Len(t, r.Items, 1)
	require.Equal(t, "Beta", r.Items[0].Text("name"))
}

func TestALargeListHoldsNoMoreThanThePageNeeds(t *testing.T) {
	s := testSchemas()["category"]
	const n = 20_000
	objects := func(yield func(*dhis2.Object, error) bool) {
		for i := range n {
			uid := "L" + string([]byte{'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/676%26), 'a' + byte(i/17576%26)}) + "000000"
			if !yield(dhis2.NewObject("id", uid, "name", uid), nil) {
				return
			}
		}
	}
	r, err := list(dhis2.ListRequest{RawQuery: "fields=id&order=name&pageSize=3&page=2"}, s, testSchemas(), objects, dhis2.Stored{})
	require.NoError(t, err)
	require.Equal(t, []string{"Laabb000000", "Laaca000000", "Laacb000000"}, []string{r.Items[0].Text("id"), r.Items[1].Text("id"), r.Items[2].Text("id")})
}

// list answers a list in one step.
func list(req dhis2.ListRequest, s *dhis2.Schema, all dhis2.Schemas, objects iter.Seq2[*dhis2.Object, error], docs dhis2.Documents) (dhis2.ListResult, error) {
	q, err := dhis2.NewListQuery(req, s, all)
	if err != nil {
		return dhis2.ListResult{}, err
	}
	return q.Run(objects, docs)
}
