package sandbox_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox"
)

// TestAnAsynchronousImportReallyImports also where its body is broken: then the job
// says so, and nothing is stored.
func TestAnAsynchronousImportReallyImports(t *testing.T) {
	b := open(t, sandbox.Config{})
	start := func(body string) (job string) {
		a := b.as(asAdmin, "POST", "/api/metadata?async=true", body)
		require.Equal(t, 200, a.status, a.body)
		var m struct {
			Response struct{ ID, Name, JobStatus string }
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &m))
		require.Equal(t, "NOT_STARTED", m.Response.JobStatus)
		require.Equal(t, b.base+"/api/system/tasks/METADATA_IMPORT", a.header.Get("Location"))
		return m.Response.ID
	}

	good := start(`{"constants":[{"id":"cnAsync0001","name":"async","shortName":"async","value":1}]}`)
	require.Equal(t, 200, b.as(asAdmin, "GET", "/api/constants/cnAsync0001", "").status)
	a := b.as(asAdmin, "GET", "/api/system/tasks/METADATA_IMPORT/"+good, "")
	require.Contains(t, a.body, `"completed":true`)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Contains(t, b.as(asAdmin, "GET", "/api/system/taskSummaries/METADATA_IMPORT/"+good, "").body, `"created":1`)

	bad := start(`{"constants":[`)
	a = b.as(asAdmin, "GET", "/api/system/tasks/METADATA_IMPORT/"+bad, "")
	require.Contains(t, a.body, `"level":"ERROR"`)
	require.Empty(t, b.as(asAdmin, "GET", "/api/system/taskSummaries/METADATA_IMPORT/"+bad, "").body)
	require.Contains(t, b.as(asAdmin, "GET", "/api/system/tasks", "").body, good)
	require.Equal(t, "[]", b.as(asAdmin, "GET", "/api/system/tasks/METADATA_IMPORT/abcdefghijk", "").body)
}

func TestGMLGivesUnitsTheirGeometry(t *testing.T) {
	b := open(t, sandbox.Config{})
	vars := map[string]any{}
	for _, name := range []string{"By uid", "By name", "Twice", "Twice"} {
		o := orgUnit(name)
		require.NoError(t, b.makeAs(vars, name, "organisationUnits", o))
	}
	feature := func(names, shape string) string {
		return `<gml:featureMember><ogr:area>` + names + `<ogr:geometryProperty>` + shape + `</ogr:geometryProperty></ogr:area></gml:featureMember>`
	}
	point := func(x string) string { return `<gml:Point><gml:pos>` + x + ` 7.5</gml:pos></gml:Point>` }
	body := `<?xml version="1.0"?><ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml">` +
		feature(`<ogr:Name>no matter</ogr:Name><ogr:UID>`+vars["By uid"].(string)+`</ogr:UID>`, point("-11.25")) +
		feature(`<ogr:NAME>By name</ogr:NAME>`, `<gml:Polygon><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>0,0 4,0 4,4 0,0</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs>`+
			`<gml:innerBoundaryIs><gml:LinearRing><gml:posList srsDimension="3">1 1 9 2 1 9 2 2 9 1 1 9</gml:posList></gml:LinearRing></gml:innerBoundaryIs></gml:Polygon>`) +
		feature(`<ogr:Name>Twice</ogr:Name>`, point("1")) + feature(`<ogr:Name>Nowhere</ogr:Name>`, point("2")) +
		`</ogr:FeatureCollection>`
	a := b.as(asAdmin, "POST", "/api/metadata/gml", body, "Content-Type: application/xml")
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, `"updated":2`)
	geometry := func(name string) string {
		return b.as(asAdmin, "GET", "/api/organisationUnits/"+vars[name].(string)+"?fields=geometry", "").body
	}
	require.JSONEq(t, `{"geometry":{"type":"Point","coordinates":[-11.25,7.5]}}`, geometry("By uid"))
	require.JSONEq(t, `{"geometry":{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,0]],[[1,1],[2,1],[2,2],[1,1]]]}}`, geometry("By name"))
	require.JSONEq(t, `{}`, geometry("Twice"))

	for _, broken := range []string{"<metadata>", feature("<Name>By name</Name>", point("east")), feature("<Name>By name</Name>", "<Polygon/>")} {
		require.Equal(t, 409, b.as(asAdmin, "POST", "/api/metadata/gml", broken, "Content-Type: application/xml").status, broken)
	}
}

func TestCSVPutsObjectsIntoCollections(t *testing.T) {
	b := open(t, sandbox.Config{})
	vars := map[string]any{}
	for _, name := range []string{"one", "two"} {
		require.NoError(t, b.makeAs(vars, name, "organisationUnits", orgUnit(name)))
	}
	require.NoError(t, b.makeAs(vars, "group", "organisationUnitGroups", object{"name": "group", "shortName": "group", "organisationUnits": []any{object{"id": vars["one"]}}}))
	put := func(rows string) answer {
		return b.as(asAdmin, "POST", "/api/metadata?classKey=ORGANISATION_UNIT_GROUP_MEMBERSHIP", "collection,object\n"+rows, "Content-Type: application/csv")
	}
	group := vars["group"].(string)
	a := put(group + "," + vars["two"].(string) + "\n" + group + "," + vars["one"].(string) + "\n")
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, `"updated":1`)
	members := b.as(asAdmin, "GET", "/api/organisationUnitGroups/"+group+"?fields=name,organisationUnits[name]", "").body
	require.Contains(t, members, `"one"`)
	require.Contains(t, members, `"two"`)
	require.Equal(t, 409, put(group+",abcdefghijk\n").status, "an object that does not exist")
	require.Equal(t, 409, put("abcdefghijk,"+vars["one"].(string)+"\n").status, "a collection that does not exist")
}

func TestEveryCSVClassThatIsListedIsImported(t *testing.T) {
	b := open(t, sandbox.Config{})
	var classes []string
	require.NoError(t, json.Unmarshal([]byte(b.as(asAdmin, "GET", "/api/metadata/csvImportClasses", "").body), &classes))
	require.Len(t, classes, 16)
	for _, class := range classes {
		a := b.as(asAdmin, "POST", "/api/metadata?classKey="+class, "a,b\n", "Content-Type: application/csv")
		require.Equal(t, 200, a.status, class+a.body)
	}
}

func TestAValidationRuleByCSVHasItsSides(t *testing.T) {
	b := open(t, sandbox.Config{})
	a := b.as(asAdmin, "POST", "/api/metadata?classKey=VALIDATION_RULE&importReportMode=FULL",
		"name,uid,code,description,instruction,importance,ruleType,operator,periodType,left,leftDescription,leftMissing,right,rightDescription,rightMissing\n"+
			"rule,vrByCsv0001,,,,HIGH,,less_than,Monthly,1,one,NEVER_SKIP,2,two,SKIP_IF_ALL_VALUES_MISSING\n", "Content-Type: application/csv")
	require.Equal(t, 200, a.status, a.body)
	rule := b.as(asAdmin, "GET", "/api/validationRules/vrByCsv0001?fields=operator,importance,leftSide[expression,description],rightSide[expression,missingValueStrategy]", "").body
	require.JSONEq(t, `{"operator":"less_than","importance":"HIGH","leftSide":{"expression":"1","description":"one"},"rightSide":{"expression":"2","missingValueStrategy":"SKIP_IF_ALL_VALUES_MISSING"}}`, rule)
}
