package dhis2_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

func FuzzParseFields(f *testing.F) {
	for _, s := range []string{"id,name", "a[b,c[d]]", "name::x(a;b),id~y(a,b)|z", "*,!code,-x,:owner", "a]]],b", "好", "a~keyBy(id)[id,name]"} {
		f.Add(s)
	}
	schemas := testSchemas()
	o := dhis2.NewObject("id", "L006a000000", "name", "Alpha", "categoryCombo", dhis2.NewObject("id", "bjDvmb4bfuf"), "legendSets", []any{dhis2.NewObject("id", "L006a000001")})
	f.Fuzz(func(t *testing.T, in string) {
		paths, err := dhis2.ParseFields(in)
		if err != nil {
			var q *dhis2.QueryError
			require.ErrorAs(t, err, &q)
			require.Equal(t, 400, q.Status)
			return
		}
		for _, p := range paths {
			require.NotEmpty(t, p.Name)
			require.LessOrEqual(t, len(p.Parents), 100)
		}
		for _, s := range []*dhis2.Schema{schemas["dataElement"], nil} {
			p := dhis2.NewProjection(paths, s, schemas)
			got, err := p.Apply(o, dhis2.Stored{})
			require.NoError(t, err)
			_, err = dhis2.AppendJSON(nil, got)
			require.NoError(t, err)
		}
	})
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"name:eq:x", "name:in:[a,b],id:!null", "categoryCombo.name:like:x", "a", ":", "sharing.users:gt:1", "L006a000000:eq:5", "identifiable:token:a b", "created:gt:2020"} {
		f.Add(s)
	}
	schemas := testSchemas()
	s := schemas["dataElement"]
	o := dhis2.NewObject("id", "L006a000000", "name", "Alpha", "created", "2020-01-01T00:00:00.000", "sharing", dhis2.NewObject("users", &dhis2.Object{}),
		"categoryCombo", dhis2.NewObject("id", "bjDvmb4bfuf"), "attributeValues", []any{dhis2.NewObject("value", "5", "attribute", dhis2.NewObject("id", "L006a000000"))})
	f.Fuzz(func(t *testing.T, in string) {
		filters, err := dhis2.ParseFilters(dhis2.SplitFilters([]string{in}))
		if err != nil {
			return
		}
		conditions, err := dhis2.NewConditions(filters, s, schemas)
		if err != nil {
			var q *dhis2.QueryError
			require.ErrorAs(t, err, &q)
			return
		}
		and, err := dhis2.Matches(conditions, false, o, dhis2.Stored{})
		require.NoError(t, err)
		or, err := dhis2.Matches(conditions, true, o, dhis2.Stored{})
		require.NoError(t, err)
		require.True(t, !and || or, "what fits all fits one")
	})
}

func FuzzParseOrder(f *testing.F) {
	f.Add("name:desc,created", "id:iasc")
	s := testSchemas()["dataElement"]
	f.Fuzz(func(t *testing.T, a, b string) {
		orders, err := dhis2.ParseOrder([]string{a, b}, s)
		if err == nil {
			require.LessOrEqual(t, len(orders), strings.Count(a+","+b, ",")+1)
		}
	})
}

func benchmarkObject() *dhis2.Object {
	return dhis2.NewObject("name", "L006 Alpha", "code", "L006a000000", "created", "2026-11-24T10:00:00.000", "lastUpdated", "2026-11-24T10:00:00.000",
		"createdBy", adminRef(), "lastUpdatedBy", adminRef(), "shortName", "L006 Alpha", "valueType", "NUMBER", "domainType", "AGGREGATE", "aggregationType", "SUM",
		"id", "L006a000000", "categoryCombo", dhis2.NewObject("id", "bjDvmb4bfuf"), "legendSets", []any{}, "aggregationLevels", []any{}, "zeroIsSignificant", false)
}

func BenchmarkFieldsPerObject(b *testing.B) {
	schemas := testSchemas()
	o := benchmarkObject()
	for _, fields := range []string{"id,name", ":owner", "id,name,categoryCombo[id],createdBy[id]"} {
		b.Run(fields, func(b *testing.B) {
			paths, err := dhis2.ParseFields(fields)
			require.NoError(b, err)
			p := dhis2.NewProjection(paths, schemas["dataElement"], schemas)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Apply(o, dhis2.Stored{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFilterPerObject(b *testing.B) {
	schemas := testSchemas()
	o := benchmarkObject()
	for _, filter := range []string{"name:ilike:alp", "id:in:[L006a000000,L006b000000]", "created:gt:2020-01-01", "categoryCombo.id:eq:bjDvmb4bfuf"} {
		b.Run(filter, func(b *testing.B) {
			f, err := dhis2.ParseFilter(filter)
			require.NoError(b, err)
			c, err := dhis2.NewCondition(f, schemas["dataElement"], schemas)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := c.Matches(o, dhis2.Stored{}); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
