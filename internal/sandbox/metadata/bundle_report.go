package metadata

import (
	"slices"

	"github.com/d2gate/d2gate/internal/dhis2"
)

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
