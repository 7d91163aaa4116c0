package audit

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// TableConfig says how a table sink writes. The zero value of all but Append works.
type TableConfig struct {
	// Append stores entries in one transaction, all or none; required. Without an
	// entry it finds out whether storing works.
	Append  func(ctx context.Context, entries []Entry) error
	Timeout time.Duration // of one call of Append; 0 means 10 s
	Places  int           // as of a file sink, and so are the next two
	Retry   time.Duration
	Trouble func(error)
}

// Table writes events to a table of a store, where all replicas' events are
// together. A line counts as written when its transaction is committed.
type Table struct{ queue }

// OpenTable starts the writer. Close stops it.
func OpenTable(cfg TableConfig) (*Table, error) {
	if cfg.Append == nil {
		return nil, errors.New("audit: OpenTable: Append is required")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	t := &Table{queue{places: cfg.Places, retry: cfg.Retry, trouble: cfg.Trouble}}
	t.start(&tableWriter{cfg}, nil)
	return t, nil
}

// tableWriter is a pen. The lines are read back into entries, off the path of any
// request.
type tableWriter struct{ cfg TableConfig }

func (w *tableWriter) write(commits, records []byte) error {
	var entries []Entry
	for _, lines := range [2][]byte{commits, records} {
		entries = append(entries, parseLines(bytes.Clone(lines), false)...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.cfg.Timeout)
	defer cancel()
	return w.cfg.Append(ctx, entries)
}

func (w *tableWriter) close() error { return nil }
