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
