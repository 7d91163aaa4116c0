package metadata

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// dependencyTypes have an export of what they need: /type/uid/metadata. The value
// says whether an unknown uid is worded as everywhere else.
var dependencyTypes = map[string]bool{"dataSet": false, "program": false, "categoryCombo": true, "dashboard": false, "dataElementGroup": false, "optionSet": false}

// notFollowed are associations that a dependency export does not follow.
var notFollowed = []string{"user", "userGroup", "userRole", "organisationUnit"}

// exportOne is GET /type/uid/metadata.
func (c *request) exportOne() error {
	f, err := c.exportFormat()
	if err != nil {
		return err
	}
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := load(c.r.Context(), c.q, c.typ, uid)
	if errors.Is(err, errNoObject) {
		if dependencyTypes[c.typ.singular] {
			return c.noSuch(uid)
		}
		return problem.New(http.StatusNotFound, "", "%s not found for uid: %s", c.typ.simpleName(), uid)
	}
	if err != nil {
		return err
	}
	if !c.u.Has("F_METADATA_EXPORT") {
		return problem.Plain409("Unfiltered access to metadata export requires super user or 'F_METADATA_EXPORT' authority.")
	}
	found, err := c.s.dependencies(c.r.Context(), c.q, o)
	if err != nil {
		return err
	}
	owner := &node{presets: []string{"owner"}}
	p := &exportParams{skipSharing: c.isTrue("skipSharing")}
	for _, t := range c.s.exportable() {
		if uids := found[t]; len(uids) > 0 {
			p.types = append(p.types, exportType{sel: &selection{typ: t, user: c.u, keep: func(d document) bool { return uids[textOf(d, "id")] }}, fields: owner})
		}
	}
	return c.send(f, p)
}

// dependencies gathers everything that an object refers to, and what is part of it.
func (s *Service) dependencies(ctx context.Context, q querier, o *object) (map[*schema]map[string]bool, error) {
	found := map[*schema]map[string]bool{}
	todo := []*object{o}
	see := func(t *schema, uid string) bool {
		if found[t] == nil {
			found[t] = map[string]bool{}
		}
		if found[t][uid] {
			return false
		}
		found[t][uid] = true
		return true
	}
	see(o.typ, o.uid)
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, r := range at.typ.references(at.doc) {
			t := s.cat.bySingular[r.typ]
			if t == nil || !t.stored() || slices.Contains(notFollowed, r.typ) || !see(t, r.target) {
				continue
			}
			next, err := load(ctx, q, t, r.target)
			if errors.Is(err, errNoObject) {
				continue
			}
			if err != nil {
				return nil, err
			}
			todo = append(todo, next)
		}
		for _, cas := range cascades {
			if cas.target != at.typ.singular || cas.target == "categoryOption" {
				continue
			}
			parts, err := referrers(ctx, q, s.cat, at.typ, at.uid, s.cat.bySingular[cas.typ], cas.property)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				if see(part.typ, part.uid) {
					todo = append(todo, part)
				}
			}
		}
	}
	return found, nil
}
