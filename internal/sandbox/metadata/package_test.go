package metadata_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// packaged is what metadata packages hold besides the types that the table knows
// member by member.
const packaged = `{
	"package":{"name":"x","DHIS2Version":"2.40.0"},
	"trackedEntityTypes":[{"id":"TrackedTyp1","name":"person","shortName":"person"}],
	"programs":[{"id":"Program0001","name":"p","shortName":"p","programType":"WITH_REGISTRATION","trackedEntityType":{"id":"TrackedTyp1"},"programStages":[{"id":"ProgStage01"}]}],
	"programStages":[{"id":"ProgStage01","name":"stage","program":{"id":"Program0001"},"programStageDataElements":[{"id":"PsDataElem1","dataElement":{"id":"Element0001"},"compulsory":true}]}],
	"dataElements":[` + `{"id":"Element0001","name":"e","shortName":"e","aggregationType":"NONE","domainType":"TRACKER","valueType":"TEXT"}` + `],
	"programRules":[{"id":"ProgRule001","name":"rule","program":{"id":"Program0001"},"condition":"true","programRuleActions":[{"id":"RuleAction1"}]}],
	"programRuleActions":[{"id":"RuleAction1","programRule":{"id":"ProgRule001"},"programRuleActionType":"HIDEFIELD","dataElement":{"id":"Element0001"}}],
	"eventReports":[{"id":"EventRep001","name":"report","dataType":"EVENTS","program":{"id":"Program0001"},"columnDimensions":["ou"],"showData":true}],
	"sqlViews":[{"id":"SqlView0001","name":"view","sqlQuery":"select 1","type":"QUERY","cacheStrategy":"NO_CACHE"}],
	"jobConfigurations":[{"id":"JobConfig01","name":"job","jobType":"ANALYTICS_TABLE","jobParameters":{"lastYears":3}}]
}`

func TestWhatThePackagesOfOthersHoldSurvivesAnExport(t *testing.T) {
	a := newAPI(t)
	r := a.answer(200, "POST", "/api/metadata", packaged)
	require.Equal(t, "OK", r["response"].(map[string]any)["status"])
	var b bytes.Buffer
	require.NoError(t, a.s.Export(t.Context(), a.user, nil, &b))
	var whole map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &whole))
	first := func(plural string) map[string]any { return whole[plural].([]any)[0].(map[string]any) }
	require.Equal(t, "EVENTS", first("eventReports")["dataType"])
	require.Equal(t, "select 1", first("sqlViews")["sqlQuery"])
	require.Equal(t, map[string]any{"lastYears": 3.0}, first("jobConfigurations")["jobParameters"])
	require.Equal(t, []any{map[string]any{"id": "ProgStage01"}}, first("programs")["programStages"])
	element := first("programStages")["programStageDataElements"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"id": "Element0001"}, element["dataElement"])
	require.Equal(t, map[string]any{"id": "ProgStage01"}, element["programStage"])
}

func TestAnExportOfAProgramBringsItsParts(t *testing.T) {
	a := newAPI(t)
	a.answer(200, "POST", "/api/metadata", packaged)
	out := a.answer(200, "GET", "/api/programs/Program0001/metadata", "")
	for _, plural := range []string{"programs", "programStages", "dataElements", "programRules", "programRuleActions", "trackedEntityTypes", "categoryCombos"} {
		require.NotEmpty(t, out[plural], plural)
	}
	require.Nil(t, out["sqlViews"])
}

func TestDeletingAProgramTakesItsPartsAlong(t *testing.T) {
	a := newAPI(t)
	a.answer(200, "POST", "/api/metadata", packaged)
	a.answer(200, "DELETE", "/api/programs/Program0001", "")
	a.answer(404, "GET", "/api/programStages/ProgStage01", "")
	a.answer(404, "GET", "/api/programRuleActions/RuleAction1", "")
	a.answer(200, "GET", "/api/dataElements/Element0001", "")
}
