package dhis2_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const tokenClass = "org.hisp.dhis.security.apikey.ApiToken"

// tokenSchemas are as those of package pat.
func tokenSchemas() (*dhis2.Schema, dhis2.Schemas) {
	list := func(kind, name string) *dhis2.Schema {
		return &dhis2.Schema{Singular: kind, Klass: "org.hisp.dhis.security.apikey." + kind, Properties: []dhis2.Property{
			{Name: "type", Type: dhis2.TypeText},
			{Name: name, Type: dhis2.TypeCollection, Klass: "java.util.Set", ItemType: dhis2.TypeText},
		}}
	}
	token := &dhis2.Schema{Singular: "apiToken", Klass: tokenClass, Properties: []dhis2.Property{
		{Name: "code", Type: dhis2.TypeIdentifier},
		{Name: "version", Type: dhis2.TypeInteger, Boxed: true},
		{Name: "type", Type: dhis2.TypeConstant, Klass: "org.hisp.dhis.security.apikey.ApiTokenType", Constants: []string{"PERSONAL_ACCESS_TOKEN_V1", "PERSONAL_ACCESS_TOKEN_V2"}},
		{Name: "expire", Type: dhis2.TypeInteger, Klass: "java.lang.Long", Boxed: true},
		{Name: "attributes", Type: dhis2.TypeCollection, Klass: "java.util.List", ItemType: dhis2.TypeComplex, Item: "apiTokenAttribute", Embedded: true},
	}}
	attribute := &dhis2.Schema{Singular: "apiTokenAttribute", Klass: "org.hisp.dhis.security.apikey.ApiTokenAttribute",
		TypeIDs:  []string{"IpAllowedList", "MethodAllowedList", "RefererAllowedList"},
		Subtypes: []*dhis2.Schema{list("IpAllowedList", "allowedIps"), list("MethodAllowedList", "allowedMethods"), list("RefererAllowedList", "allowedReferrers")}}
	return token, dhis2.NewSchemas(token, attribute)
}

// The texts are recorded answers of DHIS2 2.44.
func TestWrongTypesAreToldInJacksonsWords(t *testing.T) {
	token, tokens := tokenSchemas()
	others := testSchemas()
	others["dataElement"].Property("optionSet").Item = "optionSet"
	place := func(column string) string { return "\n at " + source + "line: 1, column: " + column + "]" }
	chain := func(c string) string { return " (through reference chain: " + tokenClass + c + ")" }
	unknown := "\n at [Source: UNKNOWN; byte offset: #UNKNOWN]"
	const list = `["attributes"]->java.util.ArrayList[0]`
	for _, tt := range []struct {
		name, in string
		s        *dhis2.Schema
		tree     bool
		want     string
	}{
		{"pat-seed-put", `{"version": 1, "type": "PERSONAL_ACCESS_TOKEN"}`, token, false, "Cannot deserialize value of type `org.hisp.dhis.security.apikey.ApiTokenType` from String \"PERSONAL_ACCESS_TOKEN\": not one of the values accepted for Enum class: [PERSONAL_ACCESS_TOKEN_V1, PERSONAL_ACCESS_TOKEN_V2]" + place("24") + chain(`["type"]`)},
		{"pat-create-bodies list", `[]`, token, false, "Cannot deserialize value of type `" + tokenClass + "` from Array value (token `JsonToken.START_ARRAY`)" + place("1")},
		{"pat-create-bodies text", `"text"`, token, false, "Cannot construct instance of `" + tokenClass + "` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('text')" + place("1")},
		{"pat-attribute-shapes type", `{"attributes": [{"type": "NoSuchList", "allowedIps": ["1.1.1.1"]}]}`, token, false, "Could not resolve type id 'NoSuchList' as a subtype of `org.hisp.dhis.security.apikey.ApiTokenAttribute`: known type ids = [IpAllowedList, MethodAllowedList, RefererAllowedList] (for POJO property 'attributes')" + place("26") + chain(list)},
		{"pat-attribute-shapes none", `{"attributes": [{"allowedIps": ["1.1.1.1"]}]}`, token, false, "Could not resolve subtype of [simple type, class org.hisp.dhis.security.apikey.ApiTokenAttribute]: missing type id property 'type' (for POJO property 'attributes')" + place("43") + chain(list)},
		{"pat-attribute-shapes text", `{"attributes": ["IpAllowedList"]}`, token, false, "Could not resolve subtype of [simple type, class org.hisp.dhis.security.apikey.ApiTokenAttribute]: missing type id property 'type' (for POJO property 'attributes')" + place("17") + chain(list)},
		{"pat-attribute-shapes object", `{"attributes": {"type": "IpAllowedList", "allowedIps": ["1.1.1.1"]}}`, token, false, "Cannot deserialize value of type `java.util.ArrayList<org.hisp.dhis.security.apikey.ApiTokenAttribute>` from Object value (token `JsonToken.START_OBJECT`)" + place("16") + chain(`["attributes"]`)},
		{"pat-attribute-shapes no list", `{"attributes": [{"type": "IpAllowedList", "allowedIps": "1.1.1.1"}]}`, token, false, "Cannot construct instance of `java.util.HashSet` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('1.1.1.1')" + place("57") + chain(list+`->org.hisp.dhis.security.apikey.IpAllowedList["allowedIps"]`)},
		{"pat-attribute-shapes map", `{"attributes": [{"type": "IpAllowedList", "allowedIps": {"a": 1}}]}`, token, false, "Cannot deserialize value of type `java.util.HashSet<java.lang.String>` from Object value (token `JsonToken.START_OBJECT`)" + place("57") + chain(list+`->org.hisp.dhis.security.apikey.IpAllowedList["allowedIps"]`)},
		{"pat-expire-values text", `{"expire": "2030-01-01"}`, token, false, "Cannot deserialize value of type `java.lang.Long` from String \"2030-01-01\": not a valid `java.lang.Long` value" + place("12") + chain(`["expire"]`)},
		{"pat-expire-values truth", `{"expire": true}`, token, false, "Cannot deserialize value of type `java.lang.Long` from Boolean value (token `JsonToken.VALUE_TRUE`)" + place("12") + chain(`["expire"]`)},
		{"pat-expire-values big", `{"expire": 99999999999999999999}`, token, false, "Numeric value (99999999999999999999) out of range of long (-9223372036854775808 - 9223372036854775807)" + place("32") + chain(`["expire"]`)},
		{"pat-patch-errors", `{"version": "abc"}`, token, true, "Cannot deserialize value of type `java.lang.Integer` from String \"abc\": not a valid `java.lang.Integer` value" + unknown + chain(`["version"]`)},
		{"errors-dates-and-numbers", `{"name": "erdan", "shortName": "erdan", "value": "abc"}`, others["constant"], false, "Cannot deserialize value of type `double` from String \"abc\": not a valid `double` value (as String to convert)" + place("50") + ` (through reference chain: org.hisp.dhis.constant.Constant["value"])`},
		{"metadata-import-error-wrong-type truth", `{"zeroIsSignificant": "maybe"}`, others["dataElement"], true, "Cannot deserialize value of type `boolean` from String \"maybe\": only \"true\"/\"True\"/\"TRUE\" or \"false\"/\"False\"/\"FALSE\" recognized" + unknown + ` (through reference chain: org.hisp.dhis.dataelement.DataElement["zeroIsSignificant"])`},
		{"metadata-import-error-wrong-type reference", `{"optionSet": "abc"}`, others["dataElement"], true, "Cannot construct instance of `org.hisp.dhis.option.OptionSet` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('abc')" + unknown + ` (through reference chain: org.hisp.dhis.dataelement.DataElement["optionSet"])`},
		{"metadata-import-error-wrong-type int", `{"factor": "many"}`, others["indicatorType"], true, "Cannot deserialize value of type `int` from String \"many\": not a valid `int` value" + unknown + ` (through reference chain: org.hisp.dhis.indicator.IndicatorType["factor"])`},
		{"metadata-import-broken-json number", `5`, others["dataElement"], true, "Cannot construct instance of `org.hisp.dhis.dataelement.DataElement` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (5)" + unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := dhis2.ParseNode([]byte(tt.in))
			require.NoError(t, err)
			schemas := others
			if tt.s == token {
				schemas = tokens
			}
			if tt.tree {
				n = dhis2.NodeOf(n.Value())
			}
			_, err = dhis2.Bind(n, tt.s, schemas)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestABadDateIs400(t *testing.T) {
	all := testSchemas()
	n, err := dhis2.ParseNode([]byte(`{"openingDate":"yesterday"}`))
	require.NoError(t, err)
	_, err = dhis2.Bind(n, all["organisationUnit"], all)
	var q *dhis2.QueryError
	require.ErrorAs(t, err, &q)
	require.Equal(t, &dhis2.QueryError{Status: 400, Message: "Invalid date format 'yesterday', only ISO format or UNIX Epoch timestamp is supported."}, q)
}

func TestBindTurnsWhatJavaTurns(t *testing.T) {
	token, all := tokenSchemas()
	for in, want := range map[string]string{
		`{"expire":"163465349603200"}`: `{"expire":163465349603200}`,
		`{"expire":163465349603200.5}`: `{"expire":163465349603200}`,
		`{"expire":null}`:              `{"expire":null}`,
		`{"expire":""}`:                `{"expire":null}`,
		`{"expire":-5}`:                `{"expire":-5}`,
		`{"unknown":{"a":1},"code":7}`: `{"code":"7"}`,
		`{"attributes":[{"type":"IpAllowedList","allowedIps":[1,""]}]}`: `{"attributes":[{"type":"IpAllowedList","allowedIps":["1",null]}]}`,
		`{"code":"a","code":"b"}`: `{"code":"b"}`,
		`{"expire":1e2}`:          `{"expire":100}`,
	} {
		n, err := dhis2.ParseNode([]byte(in))
		require.NoError(t, err)
		o, err := dhis2.Bind(n, token, all)
		require.NoError(t, err, in)
		require.Equal(t, want, text(t, o))
	}
	n, err := dhis2.ParseNode([]byte(`{"expire":1e999999999}`))
	require.NoError(t, err)
	_, err = dhis2.Bind(n, token, all)
	require.ErrorContains(t, err, "out of range of long")
}

// The texts are recorded answers of DHIS2 2.44 (crud-patch-errors, errors-broken-patch).
func TestPatchErrorsAreDHIS2s(t *testing.T) {
	for in, want := range map[string]string{
		`[{"op": "nonsense", "path": "/name"}]`: "JSON parse error: Could not resolve type id 'nonsense' as a subtype of `org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation`: known type ids = [add, remove, remove-by-id, replace] (for POJO property '#temporary-name')",
		`[{"path": "/name", "value": "x"}]`:     "JSON parse error: Could not resolve subtype of [simple type, class org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation]: missing type id property 'op' (for POJO property '#temporary-name')",
		`{"name": "x"}`:                         "JSON parse error: Cannot deserialize value of type `java.util.ArrayList<org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation>` from Object value (token `JsonToken.FIELD_NAME`)",
		`{}`:                                    "JSON parse error: Cannot deserialize value of type `java.util.ArrayList<org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchOperation>` from Object value (token `JsonToken.END_OBJECT`)",
		`[{"op": "replace", "path": "name", "value": "x"}]`: "JSON parse error: Invalid input: JSON Pointer expression must start with '/': \"name\"",
		`[{`: "JSON parse error: Unexpected end-of-input: expected close marker for Object (start marker at " + source + "line: 1, column: 2])",
	} {
		_, err := dhis2.ParsePatch([]byte(in))
		var j *dhis2.JSONError
		require.ErrorAs(t, err, &j, in)
		require.Equal(t, want, j.Original())
	}
}

func TestPatchChangesACopy(t *testing.T) {
	all := testSchemas()
	const before = `{"name":"a","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"}],"sharing":{"public":"rw------"}}`
	for in, want := range map[string]string{
		`[]`: before,
		`[{"op":"replace","path":"/name","value":"b"}]`:                                    `{"name":"b","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"}],"sharing":{"public":"rw------"}}`,
		`[{"op":"add","path":"/code","value":"c"},{"op":"remove","path":"/sharing"}]`:      `{"name":"a","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"}],"code":"c"}`,
		`[{"op":"add","path":"/dataElements/-","value":{"id":"A0000000003"}}]`:             `{"name":"a","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"},{"id":"A0000000003"}],"sharing":{"public":"rw------"}}`,
		`[{"op":"remove","path":"/dataElements/0"}]`:                                       `{"name":"a","dataElements":[{"id":"A0000000002"}],"sharing":{"public":"rw------"}}`,
		`[{"op":"remove-by-id","path":"/dataElements","id":"A0000000001"}]`:                `{"name":"a","dataElements":[{"id":"A0000000002"}],"sharing":{"public":"rw------"}}`,
		`[{"op":"remove-by-id","path":"/dataElements","id":"A0000000009"}]`:                before,
		`[{"op":"add","path":"/dataElements/0","value":{"id":"A0000000003"}}]`:             `{"name":"a","dataElements":[{"id":"A0000000003"},{"id":"A0000000001"},{"id":"A0000000002"}],"sharing":{"public":"rw------"}}`,
		`[{"op":"replace","path":"/sharing/public","value":"r-------"}]`:                   `{"name":"a","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"}],"sharing":{"public":"r-------"}}`,
		`[{"op":"add","path":"/attributeValues/-","value":{"value":"v"}}]`:                 `{"name":"a","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"}],"sharing":{"public":"rw------"},"attributeValues":[{"value":"v"}]}`,
		`[{"op":"remove","path":"/shortName"},{"op":"replace","path":"/id","value":null}]`: `{"name":"a","dataElements":[{"id":"A0000000001"},{"id":"A0000000002"}],"sharing":{"public":"rw------"},"id":null}`,
	} {
		o, err := object([]byte(before))
		require.NoError(t, err)
		ops, err := dhis2.ParsePatch([]byte(in))
		require.NoError(t, err)
		got, err := dhis2.ApplyPatch(o, ops, all["dataElementGroup"])
		require.NoError(t, err, in)
		require.Equal(t, want, text(t, got))
		require.Equal(t, before, text(t, o), "the object itself stays as it is")
	}
}

func TestPatchOfAnUnknownPropertyIs400(t *testing.T) {
	all := testSchemas()
	for in, want := range map[string]string{
		`[{"op":"replace","path":"/key","value":"x"}]`:   "Property key does not exist on Schema",
		`[{"op":"remove","path":"/dataElements/7"}]`:     "Invalid path /dataElements/7",
		`[{"op":"add","path":"/name/x","value":1}]`:      "Invalid path /name/x",
		`[{"op":"replace","path":"","value":{}}]`:        "Invalid path /",
		`[{"op":"add","path":"/dataElements/x/y/z"}]`:    "Invalid path /dataElements/x/y/z",
		`[{"op":"remove-by-id","path":"/name","id":""}]`: "Invalid path /name",
	} {
		ops, err := dhis2.ParsePatch([]byte(in))
		require.NoError(t, err)
		_, err = dhis2.ApplyPatch(dhis2.NewObject("name", "a", "dataElements", []any{}), ops, all["dataElementGroup"])
		require.EqualError(t, err, want)
		var q *dhis2.QueryError
		require.ErrorAs(t, err, &q)
		require.Equal(t, 400, q.Status)
	}
}

func FuzzPatch(f *testing.F) {
	f.Add([]byte(`[{"op":"add","path":"/dataElements/-","value":{"id":"A0000000003"}},{"op":"remove","path":"/name"}]`))
	f.Add([]byte(`[{"op":"replace","path":"/sharing/users/a~1b","value":[1]}]`))
	s := testSchemas()["dataElementGroup"]
	f.Fuzz(func(t *testing.T, in []byte) {
		ops, err := dhis2.ParsePatch(in)
		if err != nil {
			return
		}
		got, err := dhis2.ApplyPatch(dhis2.NewObject("name", "a", "dataElements", []any{dhis2.NewObject("id", "A0000000001")}), ops, s)
		if err != nil {
			return
		}
		_, err = dhis2.AppendJSON(nil, got)
		require.NoError(t, err)
		_, err = dhis2.Bind(dhis2.NodeOf(got), s, testSchemas())
		_ = err // a patch may make what does not fit; it must not panic
	})
}
