package metadata

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// This file changes the members of collections: /type/uid/collection[/item].

// collection finds the member that the path names; it must be a list of objects.
func (c *request) collection() (*property, error) {
	p := c.typ.byName[c.seg[2]]
	if p == nil {
		return nil, problem.NotFound("Property %s does not exist on %s", c.seg[2], c.typ.className())
	}
	if p.kind != kRefs || p.item == nil {
		return nil, problem.Conflict("Only identifiable object collections can be removed from.")
	}
	return p, nil
}

// collectionBody is what a change of a collection brings.
type collectionBody struct{ additions, deletions, objects []string }

func (c *request) readCollection() (collectionBody, error) {
	var out collectionBody
	m, _, err := c.jsonObject("org.hisp.dhis.common.IdentifiableObjects")
	if err != nil {
		return out, err
	}
	uids := func(name string) []string {
		var list []string
		for _, v := range listOf(m, name) {
			if uid := idOf(v); uid != "" {
				list = append(list, uid)
			}
		}
		return list
	}
	return collectionBody{uids("additions"), uids("deletions"), uids("identifiableObjects")}, nil
}

// collectionChange is POST (add, and take out) and DELETE (take out).
func (c *request) collectionChange() error {
	o, p, err := c.collectionOwner()
	if err != nil {
		return err
	}
	body, err := c.readCollection()
	if err != nil {
		return err
	}
	add, drop := append(body.additions, body.objects...), body.deletions
	if c.r.Method == http.MethodDelete {
		add, drop = nil, append(body.deletions, body.objects...)
	}
	return c.changeCollection(o, p, add, drop)
}

// collectionReplace is PUT of the whole collection.
func (c *request) collectionReplace() error {
	o, p, err := c.collectionOwner()
	if err != nil {
		return err
	}
	body, err := c.readCollection()
	if err != nil {
		return err
	}
	var drop []string
	members, err := c.s.members(c.r.Context(), c.q, o, p)
	if err != nil {
		return err
	}
	for _, uid := range members {
		if !slices.Contains(body.objects, uid) {
			drop = append(drop, uid)
		}
	}
	return c.changeCollection(o, p, append(body.objects, body.additions...), drop)
}

// collectionItem is POST and DELETE of one member.
func (c *request) collectionItem() error {
	item, err := uidOf(c.seg[3], "itemId")
	if err != nil {
		return err
	}
	o, p, err := c.collectionOwner()
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodDelete {
		return c.changeCollection(o, p, nil, []string{item})
	}
	return c.changeCollection(o, p, []string{item}, nil)
}

func (c *request) collectionOwner() (*object, *property, error) {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return nil, nil, err
	}
	o, err := c.writable(uid)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.collection()
	return o, p, err
}

// members lists the uids in a collection, whichever side keeps it.
func (s *Service) members(ctx context.Context, q querier, o *object, p *property) ([]string, error) {
	var out []string
	if p.inverse == nil {
		for _, v := range listOf(o.doc, p.name) {
			out = append(out, idOf(v))
		}
		return out, nil
	}
	by, err := referrers(ctx, q, s.cat, o.typ, o.uid, p.inverse.typ, p.inverse.property)
	for _, b := range by {
		out = append(out, b.uid)
	}
	return out, err
}

// changeCollection adds and takes out members. A member that is there counts as
// ignored, an unknown one counts not at all (2.44, observed).
func (c *request) changeCollection(o *object, p *property, add, drop []string) error {
	if err := c.mayGrant(o, p, add); err != nil {
		return err
	}
	var st dhis2.ImportStats
	err := c.s.write(c.r.Context(), func(tx *sql.Tx) error {
		now, err := load(c.r.Context(), tx, o.typ, o.uid)
		if err != nil {
			return err
		}
		for _, uid := range drop {
			if err := c.s.leave(c.r.Context(), tx, now, p, uid, &st); err != nil {
				return err
			}
		}
		for _, uid := range add {
			if err := c.s.join(c.r.Context(), tx, now, p, uid, &st); err != nil {
				return err
			}
		}
		if p.inverse != nil {
			return nil
		}
		now.doc["lastUpdated"] = stamp(c.s.now())
		return put(c.r.Context(), tx, now)
	})
	if err != nil {
		return err
	}
	st.Total = st.Updated + st.Deleted + st.Ignored
	return c.message(dhis2.OK("").WithResponse(typeResponse{Status: dhis2.StatusOK, Stats: st, ObjectReports: []objectReport{}, ResponseType: "TypeReport"}))
}

func (s *Service) join(ctx context.Context, q querier, o *object, p *property, uid string, st *dhis2.ImportStats) error {
	item, err := load(ctx, q, p.item, uid)
	if errors.Is(err, errNoObject) {
		return nil
	}
	if err != nil {
		return err
	}
	members, err := s.members(ctx, q, o, p)
	if err != nil {
		return err
	}
	if slices.Contains(members, uid) {
		st.Ignored++
		return nil
	}
	st.Updated++
	if p.inverse == nil {
		o.doc[p.name] = append(listOf(o.doc, p.name), id(uid))
		return nil
	}
	if other := p.inverse.typ.byName[p.inverse.property]; other != nil && other.kind == kRef {
		item.doc[p.inverse.property] = id(o.uid)
	} else {
		item.doc[p.inverse.property] = append(listOf(item.doc, p.inverse.property), id(o.uid))
	}
	return put(ctx, q, item)
}

func (s *Service) leave(ctx context.Context, q querier, o *object, p *property, uid string, st *dhis2.ImportStats) error {
	members, err := s.members(ctx, q, o, p)
	if err != nil || !slices.Contains(members, uid) {
		return err
	}
	st.Deleted++
	if p.inverse == nil {
		o.doc[p.name] = without(listOf(o.doc, p.name), func(v any) bool { return idOf(v) == uid })
		return nil
	}
	item, err := load(ctx, q, p.item, uid)
	if err != nil {
		return err
	}
	item.typ.drop(item.doc, o.typ, o.uid)
	return put(ctx, q, item)
}

// mayGrant keeps users from giving roles that hold more than their own, on either
// side of the association.
func (c *request) mayGrant(o *object, p *property, add []string) error {
	switch {
	case len(add) == 0:
	case o.typ.singular == "userRole" && p.item.singular == "user":
		return c.mayGive(o)
	case p.item.singular == "userRole":
		for _, uid := range add {
			role, err := load(c.r.Context(), c.q, p.item, uid)
			if errors.Is(err, errNoObject) {
				continue
			}
			if err != nil {
				return err
			}
			if err := c.mayGive(role); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayGive refuses a role with an authority that the user does not hold.
func (c *request) mayGive(role *object) error {
	for _, a := range listOf(role.doc, "authorities") {
		if name, _ := a.(string); !c.u.Has(name) {
			return problem.Forbidden("You don't have the proper permissions to update this object.")
		}
	}
	return nil
}

// roleMember is POST, PUT and DELETE of /userRoles/{uid}/users/{user}.
func (c *request) roleMember() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	if err := c.mayGive(o); err != nil {
		return err
	}
	users := c.s.cat.bySingular["user"]
	err = c.s.write(c.r.Context(), func(tx *sql.Tx) error {
		u, err := load(c.r.Context(), tx, users, c.seg[3])
		if errors.Is(err, errNoObject) {
			return problem.NotFound("User does not exist: %s", c.seg[3])
		}
		if err != nil {
			return err
		}
		roles := without(listOf(u.doc, "userRoles"), func(v any) bool { return idOf(v) == o.uid })
		if c.r.Method != http.MethodDelete {
			roles = append(roles, id(o.uid))
		}
		u.doc["userRoles"] = roles
		return put(c.r.Context(), tx, u)
	})
	if err != nil {
		return err
	}
	return c.nothing()
}
