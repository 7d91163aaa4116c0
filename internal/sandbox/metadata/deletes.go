package metadata

import (
	"context"
	"errors"
	"fmt"
)

// veto is an association that forbids the deletion of its target.
type veto struct {
	target, typ, property string
	named                 bool // the text names the object
}

// vetoes are those of DHIS2 2.44's deletion handlers that concern the types of the
// table.
var vetoes = []veto{
	{"optionSet", "dataElement", "optionSet", false}, {"optionSet", "trackedEntityAttribute", "optionSet", false}, {"optionSet", "attribute", "optionSet", false},
	{"indicatorType", "indicator", "indicatorType", true},
	{"organisationUnit", "organisationUnit", "parent", true},
	{"userRole", "user", "userRoles", false},
	{"category", "categoryCombo", "categories", false},
	{"trackedEntityType", "program", "trackedEntityType", true},
	{"trackedEntityAttribute", "programRuleVariable", "trackedEntityAttribute", true},
}

// cascades are objects that go with the one that they are part of.
var cascades = []veto{
	{"optionSet", "option", "optionSet", false}, {"dataSet", "section", "dataSet", false}, {"categoryCombo", "categoryOptionCombo", "categoryCombo", false},
	{"categoryOption", "categoryOptionCombo", "categoryOptions", false}, {"program", "programStage", "program", false}, {"program", "programIndicator", "program", false},
	{"program", "programRule", "program", false}, {"program", "programRuleVariable", "program", false}, {"program", "programSection", "program", false},
	{"programStage", "programStageSection", "programStage", false}, {"programRule", "programRuleAction", "programRule", false},
}

// isDefault reports whether DHIS2 made the object itself and never deletes it.
func isDefault(uid string) bool {
	switch uid {
	case defaultOptionUID, defaultCategoryUID, defaultComboUID, defaultOptionComboUID:
		return true
	}
	return false
}

// deletes is the strategy DELETE, in the order of the types.
func (b *bundle) deletes(ctx context.Context) error {
	for _, t := range b.types {
		for _, it := range t.items {
			if err := b.deleteOne(ctx, t, it); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bundle) deleteOne(ctx context.Context, t *stagedType, it *staged) error {
	o, err := load(ctx, b.tx, t.typ, it.uid)
	if errors.Is(err, errNoObject) {
		doc, err := b.g.decode(t, it)
		if err != nil {
			return err
		}
		if !it.given && !b.p.byCode {
			doc["id"] = it.uid
		}
		b.fail(t, it, b.checkStrategyDelete(t, it, doc))
		return nil
	}
	if err != nil {
		return err
	}
	it.index = len(t.items) + t.extra
	t.extra++
	if !t.typ.canDelete(b.p.user, o.doc) {
		b.fail(t, it, report(t.typ, "E3002", "User `%s` is not allowed to delete object `%s`", b.p.user.Name()+" ["+b.p.user.UID+"] (User)", b.label(t.typ, o.doc)))
		return nil
	}
	if b.p.validate {
		b.stats[t].Deleted++
		b.stats[t].Total++
		return nil
	}
	e, vetoed, err := b.s.delete(ctx, b.tx, o)
	if err != nil {
		return err
	}
	if vetoed {
		b.fail(t, it, e)
		return nil
	}
	if t.typ.singular == "user" {
		b.end = append(b.end, textOf(o.doc, "username"))
	}
	b.stats[t].Deleted++
	b.stats[t].Total++
	return nil
}

func (b *bundle) checkStrategyDelete(t *stagedType, it *staged, doc document) errorReport {
	ident := "UID"
	if b.p.byCode {
		ident = "CODE"
	}
	e := report(t.typ, "E5001", "No matching object for reference. Identifier was %s, and object was %s.", ident, b.label(t.typ, doc)).of("", "id")
	e.MainID = it.uid
	return e
}

// delete deletes an object unless another forbids it (E4030), takes what is part of
// it along, and takes it out of what refers to it. A default object stays.
func (s *Service) delete(ctx context.Context, q querier, o *object) (errorReport, bool, error) {
	if isDefault(o.uid) {
		return errorReport{}, false, nil
	}
	for _, v := range vetoes {
		if v.target != o.typ.singular {
			continue
		}
		by, err := referrers(ctx, q, s.cat, o.typ, o.uid, s.cat.bySingular[v.typ], v.property)
		if err != nil {
			return errorReport{}, false, err
		}
		if len(by) > 0 {
			return vetoed(o.typ, by[0], v.named), true, nil
		}
	}
	for _, c := range cascades {
		if c.target != o.typ.singular {
			continue
		}
		parts, err := referrers(ctx, q, s.cat, o.typ, o.uid, s.cat.bySingular[c.typ], c.property)
		if err != nil {
			return errorReport{}, false, err
		}
		for _, p := range parts {
			if e, veto, err := s.delete(ctx, q, p); err != nil || veto {
				return e, veto, err
			}
		}
	}
	if err := s.detach(ctx, q, o); err != nil {
		return errorReport{}, false, err
	}
	if o.typ.singular == "user" {
		if _, err := q.ExecContext(ctx, `DELETE FROM md_account WHERE uid = ?`, o.uid); err != nil {
			return errorReport{}, false, fmt.Errorf("delete account: %w", err)
		}
	}
	return errorReport{}, false, remove(ctx, q, o)
}

func vetoed(s *schema, by *object, named bool) errorReport {
	what := by.typ.simpleName()
	if named {
		what += " (" + nameOf(by.typ, by.doc) + ")"
	}
	return errorReport{Message: "Object could not be deleted because it is associated with another object: " + what, Args: []any{}, MainKlass: s.className(), ErrorCode: "E4030", ErrorProperties: []any{}}
}

// detach takes an object out of every document that refers to it.
func (s *Service) detach(ctx context.Context, q querier, o *object) error {
	rows, err := q.QueryContext(ctx, `SELECT DISTINCT type, seq FROM md_ref WHERE target_type = ? AND target = ?`, o.typ.singular, o.uid)
	if err != nil {
		return fmt.Errorf("look up referrers: %w", err)
	}
	defer rows.Close()
	type holder struct {
		typ string
		seq int64
	}
	var holders []holder
	for rows.Next() {
		var h holder
		if err := rows.Scan(&h.typ, &h.seq); err != nil {
			return fmt.Errorf("look up referrers: %w", err)
		}
		holders = append(holders, h)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look up referrers: %w", err)
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("look up referrers: %w", err)
	}
	for _, h := range holders {
		other, err := loadSeq(ctx, q, s.cat.bySingular[h.typ], h.seq)
		if err != nil {
			return err
		}
		other.typ.drop(other.doc, o.typ, o.uid)
		if err := put(ctx, q, other); err != nil {
			return err
		}
	}
	return nil
}

func loadSeq(ctx context.Context, q querier, s *schema, seq int64) (*object, error) {
	o := &object{typ: s, seq: seq}
	var raw []byte
	if err := q.QueryRowContext(ctx, `SELECT uid, doc FROM md_object WHERE seq = ?`, seq).Scan(&o.uid, &raw); err != nil {
		return nil, fmt.Errorf("load %s: %w", s.singular, err)
	}
	var err error
	if o.doc, err = parseDocument(raw); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", s.singular, o.uid, err)
	}
	return o, nil
}

// drop takes the object uid of a type out of a document.
func (s *schema) drop(doc document, target *schema, uid string) {
	for _, p := range s.properties {
		switch {
		case p.kind == kRef && p.item == target && idOf(doc[p.name]) == uid:
			delete(doc, p.name)
		case p.kind == kRefs && p.item == target && doc[p.name] != nil:
			doc[p.name] = without(listOf(doc, p.name), func(v any) bool { return idOf(v) == uid })
		case p.kind == kObjs && doc[p.name] != nil:
			doc[p.name] = without(listOf(doc, p.name), func(v any) bool {
				d, _ := v.(map[string]any)
				if p.item == nil {
					for _, k := range looseReferences {
						if k.typ == target.singular && idOf(d[k.member]) == uid {
							return true
						}
					}
					return false
				}
				for _, m := range p.item.properties {
					if m.item == target && m.kind == kRef && idOf(d[m.name]) == uid {
						return true
					}
				}
				p.item.drop(d, target, uid)
				return false
			})
		}
	}
}

func without(list []any, gone func(any) bool) []any {
	out := make([]any, 0, len(list))
	for _, v := range list {
		if !gone(v) {
			out = append(out, v)
		}
	}
	return out
}
