package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
)

// beforeVersioned counts the changes of an object (VersionedObjectObjectBundleHook).
func (b *bundle) beforeVersioned(o, old *object) {
	if old == nil {
		if o.doc["version"] == nil {
			o.doc["version"] = json.Number("0")
		}
		return
	}
	n, _ := asFloat(old.doc["version"])
	o.doc["version"] = json.Number(strconv.Itoa(int(n) + 1))
}

// twoSided are lists that DHIS2 keeps on the side of their items.
var twoSided = map[string]struct{ list, item, property string }{
	"optionSet": {"options", "option", "optionSet"},
	"program":   {"programStages", "programStage", "program"},
}

// beforeList adds the items that name the object themselves.
func (b *bundle) beforeList(ctx context.Context, o *object) error {
	side, ok := twoSided[o.typ.singular]
	if !ok {
		return nil
	}
	list := listOf(o.doc, side.list)
	items, err := referrers(ctx, b.tx, b.s.cat, o.typ, o.uid, b.s.cat.bySingular[side.item], side.property)
	if err != nil {
		return err
	}
	for _, it := range items {
		if !slices.ContainsFunc(list, func(v any) bool { return idOf(v) == it.uid }) {
			list = append(list, id(it.uid))
		}
	}
	if list == nil {
		list = []any{}
	}
	o.doc[side.list] = list
	return nil
}

// afterItem keeps both sides of a two-sided list alike.
func (b *bundle) afterItem(ctx context.Context, o *object, owner string) error {
	side := twoSided[owner]
	holder := idOf(o.doc[side.property])
	if holder == "" {
		return nil
	}
	typ := b.s.cat.bySingular[owner]
	h, err := load(ctx, b.tx, typ, holder)
	if errors.Is(err, errNoObject) {
		return nil // it comes later in the payload and finds its items itself
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(listOf(h.doc, side.list), func(v any) bool { return idOf(v) == o.uid }) {
		return nil
	}
	h.doc[side.list] = append(listOf(h.doc, side.list), id(o.uid))
	if owner == "optionSet" {
		n, _ := asFloat(h.doc["version"])
		h.doc["version"] = json.Number(strconv.Itoa(int(n) + 1))
	}
	return put(ctx, b.tx, h)
}

// afterList tells the items of a two-sided list whose they are.
func (b *bundle) afterList(ctx context.Context, o *object) error {
	side, ok := twoSided[o.typ.singular]
	if !ok {
		return nil
	}
	typ := b.s.cat.bySingular[side.item]
	for i, v := range listOf(o.doc, side.list) {
		it, err := load(ctx, b.tx, typ, idOf(v))
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return err
		}
		place := json.Number(strconv.Itoa(i))
		if idOf(it.doc[side.property]) == o.uid && it.doc["sortOrder"] == place {
			continue
		}
		it.doc[side.property] = id(o.uid)
		if o.typ.singular == "optionSet" { // the list decides
			it.doc["sortOrder"] = place
		}
		if err := put(ctx, b.tx, it); err != nil {
			return err
		}
	}
	return nil
}
