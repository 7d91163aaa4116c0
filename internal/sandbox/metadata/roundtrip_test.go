package metadata_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// drawPayload makes metadata of several types that refer to one another.
func drawPayload(rt *rapid.T) []byte {
	text := rapid.StringMatching(`[A-Za-zÀ-ž0-9 <>&"'.,-]{1,40}`)
	n := rapid.IntRange(1, 6).Draw(rt, "elements")
	kinds := rapid.SampledFrom([]string{"NUMBER", "TEXT", "INTEGER", "BOOLEAN", "DATE"})
	var elements, refs, units, options []any
	for i := range n {
		uid := fmt.Sprintf("Element%04d", i)
		e := map[string]any{"id": uid, "name": fmt.Sprintf("%s%d", text.Draw(rt, "name"), i), "shortName": fmt.Sprintf("s%d", i), "aggregationType": "SUM", "domainType": "AGGREGATE",
			"valueType": kinds.Draw(rt, "type"), "zeroIsSignificant": rapid.Bool().Draw(rt, "zero")}
		if rapid.Bool().Draw(rt, "described") {
			e["description"] = text.Draw(rt, "description")
			e["translations"] = []any{map[string]any{"locale": "fr", "property": "NAME", "value": text.Draw(rt, "french")}}
			e["aggregationLevels"] = []any{1, 2}
		}
		elements = append(elements, e)
		refs = append(refs, map[string]any{"id": uid})
	}
	for i := range rapid.IntRange(1, 4).Draw(rt, "units") {
		u := map[string]any{"id": fmt.Sprintf("Unit%07d", i), "name": text.Draw(rt, "unit"), "shortName": fmt.Sprintf("u%d", i), "openingDate": "2020-01-01T00:00:00.000"}
		if i > 0 {
			u["parent"] = map[string]any{"id": fmt.Sprintf("Unit%07d", rapid.IntRange(0, i-1).Draw(rt, "parent"))}
		}
		units = append(units, u)
	}
	var list []any
	for i := range rapid.IntRange(0, 3).Draw(rt, "options") {
		uid := fmt.Sprintf("Option%05d", i)
		options = append(options, map[string]any{"id": uid, "name": text.Draw(rt, "option"), "code": fmt.Sprintf("O%d", i), "optionSet": map[string]any{"id": "OptionSet01"}})
		list = append(list, map[string]any{"id": uid})
	}
	b, err := json.Marshal(map[string]any{
		"dataElements": elements, "organisationUnits": units, "options": options,
		"optionSets":        []any{map[string]any{"id": "OptionSet01", "name": "set", "valueType": "TEXT", "options": list}},
		"dataElementGroups": []any{map[string]any{"id": "Group000001", "name": "group", "shortName": "group", "dataElements": refs}},
		"dataSets": []any{map[string]any{"id": "DataSet0001", "name": "data set", "shortName": "data set", "periodType": "Monthly",
			"dataSetElements": []any{map[string]any{"dataElement": refs[0]}}, "organisationUnits": []any{map[string]any{"id": "Unit0000000"}}}},
		"legendSets": []any{map[string]any{"id": "LegendSet01", "name": "legends", "legends": []any{map[string]any{"id": "Legend00001", "name": "low", "startValue": 0, "endValue": 1.5, "color": "#fff"}}}},
		"constants":  []any{map[string]any{"id": "Constant001", "name": "constant", "shortName": "constant", "value": rapid.Float64Range(-1e6, 1e6).Draw(rt, "value")}},
	})
	require.NoError(rt, err)
	return b
}

// exported is an export without what every sandbox has of its own: the head, and the
// moment of the last change.
func exported(tb require.TestingT, s *metadata.Service, u *metadata.User) map[string]any {
	var b bytes.Buffer
	require.NoError(tb, s.Export(context.Background(), u, nil, &b))
	var out map[string]any
	require.NoError(tb, json.Unmarshal(b.Bytes(), &out), b.String())
	delete(out, "system")
	for _, list := range out {
		for _, v := range list.([]any) {
			o := v.(map[string]any)
			delete(o, "lastUpdated")
			delete(o, "passwordLastUpdated")
			delete(o, "version")
			if o["name"] == "default" || o["username"] != nil || o["authorities"] != nil {
				delete(o, "created")
				delete(o, "lastUpdatedBy")
				delete(o, "createdBy")
			}
			legends, _ := o["legends"].([]any)
			for _, l := range legends {
				delete(l.(map[string]any), "lastUpdated")
			}
		}
	}
	return out
}

func TestAnExportImportedIntoAnEmptySandboxExportsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first, second := open(t, ""), open(t, "")
		r, err := first.Import(t.Context(), admin(t, first), nil, bytes.NewReader(drawPayload(rt)), nil)
		require.NoError(rt, err)
		require.Equal(rt, "OK", r.Status, string(r.Report))

		var file bytes.Buffer
		require.NoError(rt, first.Export(t.Context(), admin(t, first), nil, &file))
		r, err = second.Import(t.Context(), admin(t, second), nil, bytes.NewReader(file.Bytes()), nil)
		require.NoError(rt, err)
		require.Equal(rt, "OK", r.Status, string(r.Report))
		require.Equal(rt, exported(rt, first, admin(t, first)), exported(rt, second, admin(t, second)))
	})
}
