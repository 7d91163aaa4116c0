// Package storetest is the specification of a store: what every engine must do.
// Run it against each. It is for tests only.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/oauth2server"
	"github.com/d2gate/d2gate/pat"
)

// Stores is what an engine offers, one field a consumer.
type Stores struct {
	Tokens  pat.Store
	Changes ChangeLog
	OAuth2  oauth2server.Store
	Audit   AuditTable
}

// AuditTable is where the audit sink of type store writes.
type AuditTable interface {
	AppendAudit(ctx context.Context, entries []audit.Entry) error
	AuditEvent(ctx context.Context, requestID string) (audit.Entry, bool, error)
	DeleteAudit(ctx context.Context, before time.Time) (int64, error)
}

// ChangeLog is how a replica hears of changes.
type ChangeLog interface {
	LastChange(ctx context.Context) (int64, error)
	Changes(ctx context.Context, since int64) ([]store.Change, error)
	Follow(ctx context.Context, cfg store.FollowConfig)
}

// Run runs every rule against stores that open gives; each is empty at first and
// is closed by open's own cleanup.
func Run(t *testing.T, open func(t *testing.T) Stores) {
	t.Run("tokens", func(t *testing.T) { tokens(t, open) })
	t.Run("edits", func(t *testing.T) { edits(t, open) })
	t.Run("rotation", func(t *testing.T) { rotation(t, open) })
	t.Run("lists", func(t *testing.T) { lists(t, open) })
	t.Run("changes", func(t *testing.T) { changes(t, open) })
	t.Run("natives", func(t *testing.T) { natives(t, open) })
	t.Run("audit", func(t *testing.T) { auditEvents(t, open) })
	t.Run("oauth2", func(t *testing.T) { oauth2(t, open) })
}
