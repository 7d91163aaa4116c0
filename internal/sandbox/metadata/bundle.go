package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// importParams are the parameters of an import (DHIS2 2.44 MetadataImportParams).
type importParams struct {
	user            *User
	validate        bool   // importMode=VALIDATE
	byCode          bool   // identifier=CODE
	reportMode      string // ERRORS, FULL, ERRORS_NOT_OWNER, DEBUG
	strategy        string // CREATE_AND_UPDATE, CREATE, UPDATE, DELETE
	atomic          bool   // atomicMode=ALL
	skipSharing     bool
	skipTranslation bool
	skipValidation  bool
	single          bool // one object by its own endpoint
	create          bool // POST of its own endpoint: translations are not taken
	keep            func(old, doc document)
	progress        func(done, total int)
}

// bundle is an import on its way through its phases: match, check, store.
type bundle struct {
	s         *Service
	p         importParams
	tx        querier
	g         *stage
	types     []*stagedType
	known     map[string]bool              // type and uid of objects found in the database
	values    map[string]map[string]string // type.property -> value -> uid, of the payload
	stats     map[*stagedType]*dhis2.ImportStats
	failed    bool
	mandatory map[*schema][]*object // attributes that objects of the type must have
	now       string
	end       []string // users whose sessions end
	done      int
}

// errRolledBack makes a transaction be rolled back though nothing went wrong.
var errRolledBack = errors.New("metadata: rolled back")

// run checks and stores a payload, and reports. Nothing is stored by VALIDATE, nor
// by an atomic import with an error.
func (s *Service) run(ctx context.Context, p importParams, g *stage) (importReport, error) {
	b := &bundle{s: s, p: p, g: g, known: map[string]bool{}, values: map[string]map[string]string{}, stats: map[*stagedType]*dhis2.ImportStats{}, mandatory: map[*schema][]*object{}}
	for _, sc := range s.cat.schemas {
		if t := g.types[sc]; t != nil {
			b.types = append(b.types, t)
			b.stats[t] = &dhis2.ImportStats{}
		}
	}
	slices.SortStableFunc(b.types, func(x, y *stagedType) int { return x.typ.order - y.typ.order })
	err := s.write(ctx, func(tx *sql.Tx) error {
		b.tx, b.now = prepare(tx), stamp(s.now())
		if err := roomFor(ctx, tx, g.total); err != nil {
			return err
		}
		if err := b.phases(ctx); err != nil {
			return err
		}
		if p.validate || b.failed && p.atomic {
			return errRolledBack
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRolledBack) {
		return importReport{}, err
	}
	if err == nil && s.cfg.EndSessions != nil {
		for _, name := range b.end {
			s.cfg.EndSessions(name)
		}
	}
	return b.report(), nil
}

// roomFor gives the connection of a large import a cache that holds the indexes it
// fills at random, in KiB as SQLite counts with a minus.
func roomFor(ctx context.Context, tx *sql.Tx, objects int) error {
	size := "-2000" // SQLite's own default
	if objects > 5000 {
		size = "-32000"
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA cache_size = "+size); err != nil {
		return fmt.Errorf("set cache: %w", err)
	}
	return nil
}

func (b *bundle) phases(ctx context.Context) error {
	if err := b.match(ctx); err != nil {
		return err
	}
	if b.p.strategy == "DELETE" {
		return b.deletes(ctx)
	}
	if !b.p.skipValidation {
		if err := b.check(ctx); err != nil {
			return err
		}
	}
	if b.failed && b.p.atomic {
		b.ignoreRest()
		return nil
	}
	if b.p.validate {
		b.count()
		return nil
	}
	return b.store(ctx)
}

// fail takes an object out and notes why.
func (b *bundle) fail(t *stagedType, it *staged, errs ...errorReport) {
	if len(errs) == 0 {
		return
	}
	it.errs = append(it.errs, errs...)
	it.bad, b.failed = true, true
	b.stats[t].Ignored++
	b.stats[t].Total++
}

// ignoreRest counts what an atomic import did not store.
func (b *bundle) ignoreRest() {
	for _, t := range b.types {
		for _, it := range t.items {
			if !it.bad {
				b.stats[t].Ignored++
				b.stats[t].Total++
			}
		}
	}
}

// count counts what a validation would have stored.
func (b *bundle) count() {
	for _, t := range b.types {
		for _, it := range t.items {
			if !it.bad {
				b.note(t, it)
			}
		}
	}
}

func (b *bundle) note(t *stagedType, it *staged) {
	if it.seq == 0 {
		b.stats[t].Created++
	} else {
		b.stats[t].Updated++
	}
	b.stats[t].Total++
}
