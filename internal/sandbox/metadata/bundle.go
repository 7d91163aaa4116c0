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

// match finds the objects that the payload updates or deletes.
func (b *bundle) match(ctx context.Context) error {
	for _, t := range b.types {
		for rest := t.items; len(rest) > 0; {
			n := min(len(rest), 500)
			if err := b.matchSome(ctx, t, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		if b.p.byCode {
			clear(t.byUID)
			for _, it := range t.items {
				if t.byUID[it.uid] == nil {
					t.byUID[it.uid] = it
				}
			}
		}
	}
	return nil
}

func (b *bundle) matchSome(ctx context.Context, t *stagedType, items []*staged) error {
	column, key := "uid", func(it *staged) string { return it.uid }
	if b.p.byCode {
		column, key = "code", func(it *staged) string { return it.code }
	}
	args := []any{t.typ.singular}
	byKey := map[string][]*staged{}
	for _, it := range items {
		if k := key(it); k != "" {
			args = append(args, k)
			byKey[k] = append(byKey[k], it)
		}
	}
	if len(args) == 1 {
		return nil
	}
	rows, err := b.tx.QueryContext(ctx, `SELECT seq, uid, `+column+` FROM md_object WHERE type = ? AND `+column+` IN `+values(len(args)-1, 1), args...)
	if err != nil {
		return fmt.Errorf("match objects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var uid, k string
		if err := rows.Scan(&seq, &uid, &k); err != nil {
			return fmt.Errorf("match objects: %w", err)
		}
		for _, it := range byKey[k] {
			it.seq, it.uid = seq, uid
		}
	}
	return rows.Err()
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

// report words what was done.
func (b *bundle) report() importReport {
	r := importReport{Status: dhis2.StatusOK, TypeReports: []typeReport{}, ResponseType: "ImportReport"}
	if b.p.skipValidation && !b.failed {
		return r
	}
	for _, t := range b.types {
		tr := typeReport{Klass: t.typ.className(), Stats: *b.stats[t], ObjectReports: []objectReport{}}
		for _, it := range t.items {
			if or, ok := b.objectReport(t, it); ok {
				tr.ObjectReports = append(tr.ObjectReports, or)
			}
		}
		slices.SortStableFunc(tr.ObjectReports, func(x, y objectReport) int { return x.Index - y.Index })
		r.Stats.Add(tr.Stats)
		r.TypeReports = append(r.TypeReports, tr)
	}
	if b.failed {
		r.Status = dhis2.StatusError
		if !b.p.atomic || b.p.strategy == "DELETE" {
			r.Status = dhis2.StatusWarning
		}
	}
	return r
}

// objectReport is what is said of one object, and whether anything is.
func (b *bundle) objectReport(t *stagedType, it *staged) (objectReport, bool) {
	full := b.p.reportMode == "FULL" || b.p.reportMode == "DEBUG"
	stored := !b.p.validate && !(b.failed && b.p.atomic && b.p.strategy != "DELETE") && !it.bad
	if len(it.errs) == 0 && !(full && stored) && !b.p.single {
		return objectReport{}, false
	}
	or := objectReport{Klass: t.typ.className(), Index: it.index, UID: it.uid, ErrorReports: it.errs}
	if or.ErrorReports == nil {
		or.ErrorReports = []errorReport{}
	}
	for _, e := range it.errs {
		if e.MainKlass == "org.hisp.dhis.translation.Translation" {
			or.UID = ""
		}
	}
	if b.p.reportMode == "DEBUG" || b.p.validate && len(it.errs) > 0 {
		or.DisplayName = it.uid
		if doc, err := b.g.decode(t, it); err == nil {
			if n := textOf(doc, "name"); n != "" {
				or.DisplayName = n
			}
		}
	}
	return or, true
}

// label names an object: its name, its identifier in brackets, its class.
func (b *bundle) label(s *schema, doc document) string {
	ident := textOf(doc, "id")
	if b.p.byCode && s.metadata {
		if ident = textOf(doc, "code"); ident == "" {
			ident = "null"
		}
	}
	return labelOf(s, nameOf(s, doc), ident)
}

func nameOf(s *schema, doc document) string {
	if s.singular == "user" {
		return textOf(doc, "firstName") + " " + textOf(doc, "surname")
	}
	if p := s.byName["name"]; p == nil || p.calc {
		return ""
	}
	return textOf(doc, "name")
}

func labelOf(s *schema, name, ident string) string {
	if name != "" {
		name += " "
	}
	return name + "[" + ident + "] (" + s.simpleName() + ")"
}
