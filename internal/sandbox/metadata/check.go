package metadata

import (
	"context"
	"slices"
)

// check is the validation of an import (DHIS2 2.44 ObjectBundleValidationService):
// every object against its type, the user's rights, values that may stand once, its
// attributes and its references, before anything is written.
func (b *bundle) check(ctx context.Context) error {
	for _, t := range b.types {
		if err := b.checkType(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (b *bundle) checkType(ctx context.Context, t *stagedType) error {
	for i, it := range t.items {
		doc, err := b.g.decode(t, it)
		if err != nil {
			return err
		}
		if first := t.byUID[it.uid]; first != it {
			b.duplicate(t, it, first, doc)
			continue
		}
		if err := b.checkOne(ctx, t, it, doc); err != nil {
			return err
		}
		if i%1000 == 999 && b.p.progress != nil {
			b.p.progress(b.done, 2*b.g.total)
		}
		b.done++
	}
	return nil
}

// duplicate refuses an object whose uid an earlier one of the payload has. An equal
// one takes the first with it (DHIS2 removes by equality).
func (b *bundle) duplicate(t *stagedType, it, first *staged, doc document) {
	e := report(t.typ, "E5004", "Id `%s` for type `%s` exists on more than 1 object in the payload, removing all but the first found", it.uid, "class "+t.typ.className()).of("", "id")
	e.MainID, e.ErrorProperties = it.uid, []any{it.uid, t.typ.className()}
	b.fail(t, it, e)
	if other, err := b.g.decode(t, first); err == nil && textOf(other, "name") == textOf(doc, "name") && textOf(other, "code") == textOf(doc, "code") && !first.bad && b.p.atomic {
		first.bad = true
	}
}

func (b *bundle) checkOne(ctx context.Context, t *stagedType, it *staged, doc document) error {
	s := t.typ
	var old *object
	if it.seq != 0 {
		var err error
		if old, err = load(ctx, b.tx, s, it.uid); err != nil {
			return err
		}
	}
	if errs := b.checkStrategy(t, it, doc, old); errs != nil {
		b.fail(t, it, errs...)
		return nil
	}
	if e, refused := b.checkRights(s, doc, old); refused {
		b.fail(t, it, e)
		return nil
	}
	b.fill(s, doc)
	b.fail(t, it, s.validate(doc)...)
	hooks, err := b.hookErrors(ctx, s, doc, old)
	if err != nil {
		return err
	}
	if b.fail(t, it, append(s.validateUID(doc), hooks...)...); it.bad {
		return nil
	}
	var errs []errorReport
	if errs, err = b.checkUnique(ctx, s, it, doc); err != nil {
		return err
	} else if len(errs) > 0 {
		b.fail(t, it, errs...)
		return nil
	}
	if errs, err = b.checkAttributes(ctx, s, it, doc); err != nil {
		return err
	}
	translations := s.checkTranslations(doc)
	refs, err := b.checkReferences(ctx, s, doc)
	if err != nil {
		return err
	}
	unknown := slices.DeleteFunc(slices.Clone(errs), func(e errorReport) bool { return e.ErrorCode != "E5002" })
	errs = slices.DeleteFunc(errs, func(e errorReport) bool { return e.ErrorCode == "E5002" })
	b.fail(t, it, translations...)
	if refs = append(refs, unknown...); len(refs) > 0 {
		b.dangling(t, it, refs)
	}
	b.fail(t, it, errs...)
	return nil
}

// checkStrategy refuses what the strategy does not allow: E5000 and E5001.
func (b *bundle) checkStrategy(t *stagedType, it *staged, doc document, old *object) []errorReport {
	ident := "UID"
	if b.p.byCode {
		ident = "CODE"
	}
	switch {
	case b.p.strategy == "CREATE" && old != nil:
		e := report(t.typ, "E5000", "Found matching object for reference, but import strategy is CREATE. Identifier was %s, and object was %s.", ident, b.label(t.typ, old.doc))
		e.MainID = it.uid
		it.index = len(t.items) + t.extra
		t.extra++
		return []errorReport{e}
	case b.p.strategy == "UPDATE" && old == nil:
		e := report(t.typ, "E5001", "No matching object for reference. Identifier was %s, and object was %s.", ident, b.label(t.typ, doc)).of("", "id")
		e.MainID = it.uid
		return []errorReport{e}
	}
	return nil
}

// checkRights refuses what the user may not do: E3000 and E3001.
func (b *bundle) checkRights(s *schema, doc document, old *object) (errorReport, bool) {
	u := b.p.user
	switch {
	case old == nil && !s.canCreate(u):
		return report(s, "E3000", "User `%s` is not allowed to create objects of type %s", u.Name()+" ["+u.UID+"] (User)", b.label(s, doc)), true
	case old != nil && !s.canUpdate(u, old.doc):
		return report(s, "E3001", "User `%s` is not allowed to update object `%s`", u.Name()+" ["+u.UID+"] (User)", b.label(s, old.doc)), true
	}
	return errorReport{}, false
}
