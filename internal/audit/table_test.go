package audit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/audit"
)

// table stores entries while it works.
type table struct {
	mu     sync.Mutex
	broken error
	ids    []string
}

func (t *table) Append(_ context.Context, entries []audit.Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	for _, e := range entries {
		t.ids = append(t.ids, e.RequestID)
	}
	return nil
}

func (t *table) set(err error) { t.mu.Lock(); t.broken = err; t.mu.Unlock() }

func (t *table) stored() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.ids...)
}

func TestATableThatFailsTakesNothingNewAndKeepsWhatItPromised(t *testing.T) {
	gone := errors.New("the store is gone")
	to, heard := &table{}, make(chan error, 8)
	sink, err := audit.OpenTable(audit.TableConfig{Append: to.Append, Retry: time.Millisecond, Trouble: func(err error) { heard <- err }})
	require.NoError(t, err)
	event := func(id string) *audit.Event { return &audit.Event{Time: time.Now(), RequestID: id, Decision: "allow"} }
	require.NoError(t, sink.Record(t.Context(), event("1")))
	require.NoError(t, sink.Take())
	require.NoError(t, sink.Take())

	to.set(gone)
	require.ErrorIs(t, sink.Record(t.Context(), event("refused")), gone)
	require.ErrorIs(t, <-heard, gone)
	require.ErrorIs(t, sink.Take(), audit.ErrFailing)
	sink.Put(event("2"))
	sink.Put(event("3"))

	to.set(nil)
	require.NoError(t, <-heard)
	require.NoError(t, sink.Record(t.Context(), event("4")))
	require.NoError(t, sink.Take())
	sink.Free()
	require.NoError(t, sink.Close())
	require.Equal(t, []string{"1", "2", "3", "4"}, to.stored(), "what was promised is there, in order; what was told to have failed is not")
	require.ErrorIs(t, sink.Take(), audit.ErrClosed)
}

func TestATableNeedsItsStore(t *testing.T) {
	_, err := audit.OpenTable(audit.TableConfig{})
	require.Error(t, err)
}
