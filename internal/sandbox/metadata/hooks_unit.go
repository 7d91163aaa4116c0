package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxLevels is how deep a tree of organisation units may be; a deeper one is a
// cycle or a mistake.
const maxLevels = 64

// beforeUnit works out the path of an organisation unit from its parent's.
func (b *bundle) beforeUnit(ctx context.Context, o *object) error {
	path, err := unitPath(ctx, b.tx, o)
	o.doc["path"] = path
	return err
}

// unitPath is /grandparent/parent/unit. Where the parents form a cycle it stops at
// the unit itself.
func unitPath(ctx context.Context, q querier, o *object) (string, error) {
	path := "/" + o.uid
	seen := []string{o.uid}
	for parent := idOf(o.doc["parent"]); parent != "" && len(seen) < maxLevels; {
		if slices.Contains(seen, parent) {
			break
		}
		seen = append(seen, parent)
		path = "/" + parent + path
		p, err := load(ctx, q, o.typ, parent)
		if errors.Is(err, errNoObject) {
			break // comes later in the payload; finish works it out again
		}
		if err != nil {
			return "", err
		}
		if above := textOf(p.doc, "path"); strings.HasSuffix(above, "/"+parent) && !strings.Contains(above, o.uid) {
			return above + strings.TrimPrefix(path, "/"+parent), nil
		}
		parent = idOf(p.doc["parent"])
	}
	return path, nil
}

// repath works out the paths below a unit again.
func (s *Service) repath(ctx context.Context, q querier, o *object) error {
	todo := []*object{o}
	done := map[string]bool{o.uid: true}
	for len(todo) > 0 {
		children, err := referrers(ctx, q, s.cat, o.typ, todo[0].uid, o.typ, "parent")
		if err != nil {
			return err
		}
		above := textOf(todo[0].doc, "path")
		todo = todo[1:]
		for _, c := range children {
			if done[c.uid] {
				continue
			}
			done[c.uid] = true
			c.doc["path"] = above + "/" + c.uid
			if err := put(ctx, q, c); err != nil {
				return err
			}
			todo = append(todo, c)
		}
	}
	return nil
}

// finishUnits works out the paths of units whose parents came after them.
func (b *bundle) finishUnits(ctx context.Context, t *stagedType) error {
	for _, it := range t.items {
		if it.bad {
			continue
		}
		o, err := load(ctx, b.tx, t.typ, it.uid)
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return err
		}
		path, err := unitPath(ctx, b.tx, o)
		if err != nil {
			return err
		}
		if path == textOf(o.doc, "path") {
			continue
		}
		o.doc["path"] = path
		if err := put(ctx, b.tx, o); err != nil {
			return err
		}
		if err := b.s.repath(ctx, b.tx, o); err != nil {
			return err
		}
	}
	return nil
}

// beforeOptionCombo names a combination after its options.
func (b *bundle) beforeOptionCombo(ctx context.Context, o *object) error {
	if isDefault(o.uid) || textOf(o.doc, "name") != "" {
		return nil
	}
	name, err := b.s.comboName(ctx, b.tx, listOf(o.doc, "categoryOptions"))
	o.doc["name"] = name
	return err
}

func (b *bundle) finishOptionCombos(ctx context.Context, t *stagedType) error {
	for _, it := range t.items {
		o, err := load(ctx, b.tx, t.typ, it.uid)
		if errors.Is(err, errNoObject) || err == nil && (isDefault(o.uid) || textOf(o.doc, "name") != "") {
			continue
		}
		if err != nil {
			return err
		}
		if o.doc["name"], err = b.s.comboName(ctx, b.tx, listOf(o.doc, "categoryOptions")); err != nil {
			return err
		}
		if err := put(ctx, b.tx, o); err != nil {
			return err
		}
	}
	return nil
}

// comboName is "option, option".
func (s *Service) comboName(ctx context.Context, q querier, options []any) (string, error) {
	var names []string
	for _, v := range options {
		o, err := load(ctx, q, s.cat.bySingular["categoryOption"], idOf(v))
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return "", err
		}
		names = append(names, textOf(o.doc, "name"))
	}
	return strings.Join(names, ", "), nil
}

// maxCombos bounds what one category combination may unfold to.
const maxCombos = 20000

// makeOptionCombos makes the option combinations of a category combination that are
// not there yet, and drops none (DHIS2 CategoryManager).
func (s *Service) makeOptionCombos(ctx context.Context, q querier, combo *object, u *User, now string) error {
	sets := [][]any{{}}
	for _, c := range listOf(combo.doc, "categories") {
		cat, err := load(ctx, q, s.cat.bySingular["category"], idOf(c))
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return err
		}
		var next [][]any
		for _, set := range sets {
			for _, o := range listOf(cat.doc, "categoryOptions") {
				next = append(next, append(slices.Clone(set), id(idOf(o))))
			}
		}
		if sets = next; len(sets) > maxCombos {
			return fmt.Errorf("category combination %s has more than %d option combinations", combo.uid, maxCombos)
		}
	}
	typ := s.cat.bySingular["categoryOptionCombo"]
	have, err := referrers(ctx, q, s.cat, combo.typ, combo.uid, typ, "categoryCombo")
	if err != nil {
		return err
	}
	for _, set := range sets {
		if len(set) == 0 || slices.ContainsFunc(have, func(o *object) bool { return sameMembers(listOf(o.doc, "categoryOptions"), set) }) {
			continue
		}
		if err := s.makeOptionCombo(ctx, q, typ, combo, set, u, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) makeOptionCombo(ctx context.Context, q querier, typ *schema, combo *object, options []any, u *User, now string) error {
	uid, err := s.newUID()
	if err != nil {
		return err
	}
	name, err := s.comboName(ctx, q, options)
	if err != nil {
		return err
	}
	return put(ctx, q, &object{typ: typ, uid: uid, doc: document{
		"id": uid, "name": name, "created": now, "lastUpdated": now, "lastUpdatedBy": id(u.UID), "ignoreApproval": false,
		"categoryCombo": id(combo.uid), "categoryOptions": options, "translations": []any{}, "attributeValues": []any{},
	}})
}

func sameMembers(x, y []any) bool {
	if len(x) != len(y) {
		return false
	}
	for _, v := range x {
		if !slices.ContainsFunc(y, func(w any) bool { return idOf(v) == idOf(w) }) {
			return false
		}
	}
	return true
}

// UpdateOptionCombos makes the missing option combinations of one category
// combination, or of all when uid is "" (maintenance/categoryOptionComboUpdate). It
// reports whether there is such a combination.
func (s *Service) UpdateOptionCombos(ctx context.Context, u *User, uid string) (bool, error) {
	found := uid == ""
	err := s.write(ctx, func(tx *sql.Tx) error {
		var combos []*object
		err := each(ctx, tx, s.cat.bySingular["categoryCombo"], "", nil, func(o *object) error {
			if uid == "" || o.uid == uid {
				combos = append(combos, o)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, o := range combos {
			found = true
			if err := s.makeOptionCombos(ctx, tx, o, u, stamp(s.now())); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}
