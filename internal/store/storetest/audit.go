package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/stretchr/testify/require"
)

func auditEvents(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	event := func(id string, at time.Time) audit.Entry {
		line := audit.AppendLine(nil, &audit.Event{Time: at, RequestID: id, User: "o'nurse", Method: "GET", Path: "/api/me \u2028\x00", Decision: "refuse", Reason: "constraint_method"})
		e, ok := audit.ParseEntry(line[:len(line)-1])
		require.True(t, ok)
		return e
	}
	t.Run("events come back as they were, and none is an answer", func(t *testing.T) {
		s := open(t)
		want := event("B", noon)
		require.NoError(t, s.Audit.AppendAudit(ctx, []audit.Entry{event("A", noon), want}))
		got, ok, err := s.Audit.AuditEvent(ctx, "B")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want, got)
		_, ok, err = s.Audit.AuditEvent(ctx, "C")
		require.NoError(t, err)
		require.False(t, ok)
	})
	t.Run("a batch with one that cannot be stored is not stored at all", func(t *testing.T) {
		s := open(t)
		broken := event("B", noon)
		broken.Time = "yesterday"
		require.Error(t, s.Audit.AppendAudit(ctx, []audit.Entry{event("A", noon), broken}))
		_, ok, err := s.Audit.AuditEvent(ctx, "A")
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, s.Audit.AppendAudit(ctx, nil), "no event: whether it works")
	})
	t.Run("those of before go, those at the instant stay", func(t *testing.T) {
		s := open(t)
		var all []audit.Entry
		for i := range 5 {
			all = append(all, event(fmt.Sprint(i), noon.Add(time.Duration(i)*time.Hour)))
		}
		require.NoError(t, s.Audit.AppendAudit(ctx, all))
		n, err := s.Audit.DeleteAudit(ctx, noon.Add(2*time.Hour))
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		for i, want := range []bool{false, false, true, true, true} {
			_, ok, err := s.Audit.AuditEvent(ctx, fmt.Sprint(i))
			require.NoError(t, err)
			require.Equal(t, want, ok, i)
		}
	})
}
