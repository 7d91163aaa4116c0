package metadata

import (
	"context"
	"slices"
)

// dangling notes references to objects that do not exist. A best-effort import
// stores the object without them; an atomic one counts it twice (2.44, observed).
func (b *bundle) dangling(t *stagedType, it *staged, errs []errorReport) {
	it.errs = append(it.errs, errs...)
	b.failed = true
	if !b.p.atomic {
		it.bad = it.bad || b.p.single
		return
	}
	b.stats[t].Ignored++
	b.stats[t].Total++
}

// checkReferences finds references to objects that neither the database nor the
// payload has, resolves codes to uids, and takes the dangling ones out of doc:
// E5002.
func (b *bundle) checkReferences(ctx context.Context, s *schema, doc document) ([]errorReport, error) {
	var errs []errorReport
	twice := b.twiceErrors(s, doc) // before repeated references are dropped
	for _, p := range s.properties {
		more, err := b.checkProperty(ctx, s, p, doc)
		if err != nil {
			return nil, err
		}
		errs = append(errs, more...)
	}
	more, err := b.checkSharingReferences(ctx, s, doc)
	return append(append(errs, more...), twice...), err
}

func (b *bundle) checkProperty(ctx context.Context, s *schema, p *property, doc document) ([]errorReport, error) {
	v := doc[p.name]
	if v == nil || p.name == "createdBy" || p.name == "lastUpdatedBy" {
		return nil, nil
	}
	var errs []errorReport
	switch {
	case p.kind == kRef && p.item != nil && !p.ownerUID:
		ok, err := b.resolve(ctx, p.item, v.(map[string]any))
		if err != nil || ok {
			return nil, err
		}
		delete(doc, p.name)
		return []errorReport{b.invalid(s, p, v, doc, false)}, nil
	case p.kind == kRefs && p.item != nil:
		list := v.([]any)
		kept := make([]any, 0, len(list))
		for _, item := range list {
			ok, err := b.resolve(ctx, p.item, item.(map[string]any))
			if err != nil {
				return nil, err
			}
			if ok {
				if !slices.ContainsFunc(kept, func(k any) bool { return idOf(k) == idOf(item) }) {
					kept = append(kept, item)
				}
			} else {
				errs = append(errs, b.invalid(s, p, item, doc, true))
			}
		}
		doc[p.name] = kept
	case p.kind == kObjs && p.item != nil:
		for _, item := range v.([]any) {
			d, _ := item.(map[string]any)
			more, err := b.checkReferences(ctx, p.item, d)
			if err != nil {
				return nil, err
			}
			errs = append(errs, more...)
		}
	}
	return errs, nil
}

func (b *bundle) invalid(s *schema, p *property, ref any, doc document, many bool) errorReport {
	m, _ := ref.(map[string]any)
	ident := textOf(m, "id")
	if b.p.byCode {
		ident = textOf(m, "code")
	}
	if ident == "" {
		ident = "null"
	}
	name := ""
	if p.item.singular == "user" {
		name = "null null"
	}
	e := report(s, "E5002", "Invalid reference %s on object %s for association `%s`", labelOf(p.item, name, ident), b.label(s, doc), p.singular)
	e.MainID, e.ErrorProperty = textOf(doc, "id"), p.singular
	if many {
		e.ErrorKlass = p.item.className()
	}
	return e
}

// resolve reports whether the object of a reference exists, and reduces it to its uid.
func (b *bundle) resolve(ctx context.Context, item *schema, ref map[string]any) (bool, error) {
	uid, code := textOf(ref, "id"), textOf(ref, "code")
	if b.p.byCode {
		uid = ""
	}
	if b.p.byCode && code != "" {
		found, err := uidByCode(ctx, b.tx, item.singular, code)
		if err != nil {
			return false, err
		}
		if found == "" {
			found = b.stagedByCode(item, code)
		}
		if found != "" {
			uid, ref["id"] = found, found
		}
	}
	ok, err := b.there(ctx, item, uid)
	if ok {
		delete(ref, "code")
	}
	return ok, err
}

func (b *bundle) stagedByCode(item *schema, code string) string {
	if t := b.g.types[item]; t != nil {
		for _, it := range t.items {
			if it.code == code {
				return it.uid
			}
		}
	}
	return ""
}

// there reports whether an object is in the payload or in the database.
func (b *bundle) there(ctx context.Context, item *schema, uid string) (bool, error) {
	if uid == "" {
		return false, nil
	}
	if b.g.has(item, uid) {
		return true, nil
	}
	key := item.singular + " " + uid
	if b.known[key] {
		return true, nil
	}
	ok, err := exists(ctx, b.tx, item.singular, uid)
	if ok && len(b.known) < 1<<17 {
		b.known[key] = true
	}
	return ok, err
}

// checkSharingReferences refuses accesses of users and groups that do not exist.
func (b *bundle) checkSharingReferences(ctx context.Context, s *schema, doc document) ([]errorReport, error) {
	if b.p.skipSharing || !s.shareable {
		return nil, nil
	}
	var errs []errorReport
	for _, k := range []struct{ member, typ, name, association string }{{"users", "user", "null null", "userAccesses"}, {"userGroups", "userGroup", "", "userGroupAccesses"}} {
		m, _ := sharingOf(doc)[k.member].(map[string]any)
		for uid := range m {
			typ := b.s.cat.bySingular[k.typ]
			ok, err := b.there(ctx, typ, uid)
			if err != nil {
				return nil, err
			}
			if !ok {
				errs = append(errs, report(s, "E5002", "Invalid reference %s on object %s for association `%s`", labelOf(typ, k.name, uid), b.label(s, doc), k.association))
				delete(m, uid)
			}
		}
	}
	return errs, nil
}
