package constraints_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/constraints"
)

// selected is what DHIS2 exports for a query, read from DHIS2 2.38 and 2.44
// DefaultMetadataExportService#getParamsFromMap; an empty answer is an export of
// everything. Readings of parameters on which releases and containers differ are
// arguments: how many are read at all, and whether any value or the first counts.
func selected(query string, most int, first bool) map[string]bool {
	values := map[string][]string{}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if i >= most {
			break
		}
		name, value, _ := strings.Cut(pair, "=")
		n, errName := url.QueryUnescape(name)
		v, errValue := url.QueryUnescape(value)
		if n == "" || errName != nil || errValue != nil {
			continue // dropped by the container
		}
		values[n] = append(values[n], v)
	}
	out := map[string]bool{}
	for name, list := range values {
		parts := strings.Split(name, ":")
		if parts[0] == "fields" || parts[0] == "defaults" || parts[0] == "defaultFields" || !strings.HasSuffix(parts[0], "s") {
			continue // every plural name ends in s
		}
		on := false
		for i, v := range list {
			if first && i > 0 {
				break
			}
			if strings.EqualFold(v, "false") {
				on = false
				break
			}
			on = on || strings.EqualFold(v, "true")
		}
		if len(parts) > 1 {
			switch strings.ToLower(parts[1]) {
			case "fields", "filter", "order":
				on = true
			}
		}
		if on {
			out[parts[0]] = true
		}
	}
	return out
}

// However a query is spelt: what a scope on two types lets through exports
// nothing else, by every reading that a DHIS2 may have of it.
func FuzzAnExportHoldsOnlyTheTypesOfTheScope(f *testing.F) {
	for _, q := range []string{
		"dataElements=true", "dataElements=TRUE&users=false", "indicators:fields=id&dataElements:filter=a", "dataElements=true&users=true", "us%65rs=true&dataElements=true", "dataElements:=true",
		"dataElements=false&dataElements=true", "dataElements:fields:x=1", "dataElements=true&users:FIELDS=id", "&&=&dataElements=true", "dataElements=true;users=true", "fields=true&skipSharing=true&dataElements=true",
	} {
		f.Add(q)
	}
	a, err := constraints.ParseAttribute(constraints.ScopeAllowedList, []string{"metadata/dataElements,indicators:read"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, query string) {
		at := facts("GET /api/metadata")
		at.Query = query
		if len(set(a).Check(at)) > 0 {
			return
		}
		for _, most := range []int{1000, 10000} {
			for _, first := range []bool{true, false} {
				got := selected(query, most, first)
				delete(got, "dataElements")
				delete(got, "indicators")
				if len(got) > 0 || len(selected(query, most, first)) == 0 {
					t.Fatalf("%q exports more: %v", query, got)
				}
			}
		}
	})
}
