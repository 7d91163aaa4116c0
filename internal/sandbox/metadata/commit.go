package metadata

import (
	"context"
	"errors"
)

// store writes what passed the checks, type by type in DHIS2's order.
func (b *bundle) store(ctx context.Context) error {
	for _, t := range b.types {
		for i, it := range t.items {
			if it.bad {
				continue
			}
			if t.byUID[it.uid] != it && !b.p.skipValidation {
				continue
			}
			if err := b.storeOne(ctx, t, it); err != nil {
				return err
			}
			b.note(t, it)
			if b.done++; i%1000 == 999 && b.p.progress != nil {
				b.p.progress(b.done, 2*b.g.total)
			}
		}
	}
	return b.finish(ctx)
}

func (b *bundle) storeOne(ctx context.Context, t *stagedType, it *staged) error {
	doc, err := b.g.decode(t, it)
	if err != nil {
		return err
	}
	b.fill(t.typ, doc)
	if _, err := b.checkReferences(ctx, t.typ, doc); err != nil {
		return err
	}
	o := &object{typ: t.typ, uid: it.uid, doc: doc, seq: it.seq}
	var old *object
	if it.seq != 0 || b.p.skipValidation { // without validation a uid may stand twice
		if old, err = load(ctx, b.tx, t.typ, it.uid); err != nil && !errors.Is(err, errNoObject) {
			return err
		}
	}
	if old != nil {
		o.seq, it.seq = old.seq, old.seq
		b.carryOver(old.doc, doc, t.typ)
	} else if err := b.begin(ctx, t.typ, doc); err != nil {
		return err
	}
	doc["lastUpdated"] = b.now
	if t.typ.byName["lastUpdatedBy"] != nil {
		doc["lastUpdatedBy"] = id(b.p.user.UID)
	}
	if t.typ.byName["createdBy"] == nil {
		delete(doc, "createdBy")
	}
	if err := b.before(ctx, o, old); err != nil {
		return err
	}
	if err := put(ctx, b.tx, o); err != nil {
		return err
	}
	return b.after(ctx, o, old)
}

// begin completes a new object.
func (b *bundle) begin(ctx context.Context, s *schema, doc document) error {
	if textOf(doc, "created") == "" {
		doc["created"] = b.now
	}
	if s.byName["createdBy"] != nil {
		keep := false
		if uid := idOf(doc["createdBy"]); uid != "" {
			var err error
			if keep, err = b.there(ctx, b.s.cat.bySingular["user"], uid); err != nil {
				return err
			}
		}
		if keep {
			doc["createdBy"] = id(idOf(doc["createdBy"]))
		} else {
			doc["createdBy"] = id(b.p.user.UID)
		}
	}
	if b.p.skipTranslation || b.p.create {
		delete(doc, "translations")
	}
	b.newSharing(s, doc)
	for _, p := range s.properties { // lists that the object owns are there from the start
		if _, ok := doc[p.name]; !ok && p.isStored() && p.isCollection() {
			doc[p.name] = []any{}
		}
	}
	return nil
}

// newSharing is the sharing of a new object (2.44: AbstractCrudController and
// MetadataImport set public access only where the user may).
func (b *bundle) newSharing(s *schema, doc document) {
	if !s.shareable {
		delete(doc, "sharing")
		return
	}
	sh := sharingOf(doc)
	if sh == nil || b.p.skipSharing {
		sh = map[string]any{"users": map[string]any{}, "userGroups": map[string]any{}}
		if b.p.skipSharing {
			sh["public"] = "--------"
		}
	}
	if owner, _ := sh["owner"].(string); owner == "" {
		sh["owner"] = b.p.user.UID
	}
	if public, _ := sh["public"].(string); public == "" {
		sh["public"] = "--------"
		if !s.defaultPrivate && s.canMakePublic(b.p.user) {
			sh["public"] = "rw------"
		}
	}
	doc["sharing"] = sh
}

// carryOver keeps what an update does not change.
func (b *bundle) carryOver(old, doc document, s *schema) {
	doc["created"] = old["created"]
	if s.byName["createdBy"] != nil {
		doc["createdBy"] = old["createdBy"]
	}
	if b.p.skipTranslation {
		doc["translations"] = old["translations"]
	}
	switch sh := sharingOf(doc); {
	case !s.shareable:
		delete(doc, "sharing")
	case sh == nil || b.p.skipSharing:
		doc["sharing"] = old["sharing"]
	default:
		for _, k := range []string{"owner", "public"} {
			if text, _ := sh[k].(string); text == "" && sharingOf(old)[k] != nil {
				sh[k] = sharingOf(old)[k]
			}
		}
	}
	for _, p := range s.properties {
		if _, ok := doc[p.name]; ok || !p.isStored() {
			continue
		}
		switch {
		case p.isCollection():
			doc[p.name] = []any{}
		case p.notOwner && old[p.name] != nil:
			doc[p.name] = old[p.name]
		}
	}
	if b.p.keep != nil {
		b.p.keep(old, doc)
	}
}
