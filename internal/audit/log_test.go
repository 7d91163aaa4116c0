package audit_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/audit"
)

func TestRefusalsAreAlwaysWrittenAndAShareOfTheRest(t *testing.T) {
	f := open(t, audit.FileConfig{Places: 1 << 16})
	log, err := audit.NewLog(audit.LogConfig{Sinks: []audit.Sink{f}, Allowed: 0.25})
	require.NoError(t, err)
	for i := range 4000 {
		e := event()
		e.RequestID = fmt.Sprint("req-", i)
		if i%2 == 0 {
			e.Decision, e.Reason = "allow", ""
		}
		slot, err := log.Reserve()
		require.NoError(t, err)
		slot.Commit(e)
	}
	require.NoError(t, log.Close())
	refused, allowed := 0, 0
	_, err = audit.Search(f.Path(), 0, nil, func(e *audit.Entry) bool {
		if e.Decision == "allow" {
			allowed++
		} else {
			refused++
		}
		return false
	})
	require.NoError(t, err)
	require.Equal(t, 2000, refused)
	require.InDelta(t, 500, allowed, 100)
}

func TestAPlaceIsTakenInEverySinkOrInNone(t *testing.T) {
	small, large := open(t, audit.FileConfig{Places: 1}), open(t, audit.FileConfig{Places: 2})
	log, err := audit.NewLog(audit.LogConfig{Sinks: []audit.Sink{large, small}, Allowed: 1})
	require.NoError(t, err)
	slot, err := log.Reserve()
	require.NoError(t, err)
	for range 5 { // a failed attempt gives the large sink's place back
		_, err = log.Reserve()
		require.ErrorIs(t, err, audit.ErrFull)
	}
	slot.Commit(event())
	require.NoError(t, log.Close())
	for _, f := range []*audit.File{small, large} {
		require.Len(t, lines(t, f.Path()), 1)
	}
}

func TestAnEventThatOneSinkRefusesIsNotRecorded(t *testing.T) {
	bad := open(t, audit.FileConfig{Path: filepath.Join(t.TempDir(), "a"), Retry: time.Hour})
	require.NoError(t, bad.Close())
	log, err := audit.NewLog(audit.LogConfig{Sinks: []audit.Sink{open(t, audit.FileConfig{}), bad}, Allowed: 1})
	require.NoError(t, err)
	require.True(t, errors.Is(log.Record(t.Context(), event()), audit.ErrClosed))
	require.NoError(t, log.Close())
}
