package metadata

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// This file is /sharing?type=&id= of metadata (2.44 SharingController), and the
// maintenance of option combinations.

func (c *request) sharedObject() (*object, error) {
	typ := c.s.cat.bySingular[c.query.Get("type")]
	if typ == nil || !typ.shareable || !typ.stored() {
		return nil, problem.Plain409("Type %s is not supported.", c.query.Get("type"))
	}
	c.typ = typ
	uid := c.query.Get("id")
	o, err := load(c.r.Context(), c.q, typ, uid)
	if errors.Is(err, errNoObject) {
		return nil, problem.New(http.StatusNotFound, "", "Object of type %s with ID %s was not found.", typ.singular, uid)
	}
	if err != nil {
		return nil, err
	}
	if !typ.canManage(c.u, o.doc) {
		return nil, problem.Forbidden("You do not have manage access to this object.")
	}
	return o, nil
}

// readSharing is GET /sharing.
func (c *request) readSharing() error {
	o, err := c.sharedObject()
	if err != nil {
		return err
	}
	r := c.s.renderer(c.r.Context(), c.q, c.u, c.base())
	name := nameOf(o.typ, o.doc)
	shown := map[string]any{"id": o.uid, "name": name, "displayName": name, "publicAccess": publicOf(o.doc)}
	owner, _ := sharingOf(o.doc)["owner"].(string)
	ownerName, err := r.nameOf("user", owner)
	if err != nil {
		return err
	}
	shown["user"] = map[string]any{"id": owner, "name": ownerName}
	for _, k := range []struct{ member, typ, shown string }{{"users", "user", "userAccesses"}, {"userGroups", "userGroup", "userGroupAccesses"}} {
		list, err := accessList(r, sharingOf(o.doc)[k.member], k.typ)
		if err != nil {
			return err
		}
		shown[k.shown] = list
	}
	meta := map[string]any{"allowPublicAccess": c.u.Super() || o.typ.canMakePublic(c.u)}
	body, err := appendAny(nil, map[string]any{"meta": meta, "object": shown})
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-cache")
	return c.tagged(body)
}

// accessList shows accesses by name.
func accessList(r *renderer, v any, typ string) ([]any, error) {
	m, _ := v.(map[string]any)
	uids := make([]string, 0, len(m))
	for uid := range m {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	out := []any{}
	for _, uid := range uids {
		name, err := r.nameOf(typ, uid)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"id": uid, "name": name, "displayName": name, "access": accessOf(m[uid])})
	}
	return out, nil
}

// writeSharing is POST and PUT /sharing.
func (c *request) writeSharing() error {
	o, err := c.sharedObject()
	if err != nil {
		return err
	}
	body, _, err := c.jsonObject("org.hisp.dhis.webapi.webdomain.sharing.Sharing")
	if err != nil {
		return err
	}
	in, _ := body["object"].(map[string]any)
	if in == nil {
		return problem.Conflict("No object in payload")
	}
	if isDefault(o.uid) {
		return problem.Conflict("Sharing settings of system default metadata object of type %s cannot be modified.", o.typ.singular)
	}
	public := textOf(in, "publicAccess")
	if public != "" && !accessForm.MatchString(public) {
		return problem.Conflict("Invalid public access string: %s", public)
	}
	if strings.Trim(public, "-") != "" && public != publicOf(o.doc) && !c.u.Super() && !o.typ.canMakePublic(c.u) {
		return problem.Conflict("User is not allowed to create public objects of type %s", o.typ.simpleName())
	}
	sh := map[string]any{"owner": sharingOf(o.doc)["owner"], "public": publicOf(o.doc)}
	if public != "" {
		sh["public"] = public
	}
	for _, k := range []struct{ member, list string }{{"users", "userAccesses"}, {"userGroups", "userGroupAccesses"}} {
		m := map[string]any{}
		for _, v := range listOf(in, k.list) {
			a, _ := v.(map[string]any)
			access := textOf(a, "access")
			if !accessForm.MatchString(access) {
				return problem.Conflict("Invalid access string: %s", access)
			}
			m[textOf(a, "id")] = map[string]any{"id": textOf(a, "id"), "access": access}
		}
		sh[k.member] = m
	}
	o.doc["sharing"] = sh
	if err := c.storeMembers(o, "sharing"); err != nil {
		return err
	}
	return c.message(dhis2.OK("Access control set"))
}

// isComboUpdate reports whether a path asks for the option combinations of one
// category combination.
func isComboUpdate(segments []string) bool {
	return len(segments) == 4 && segments[0] == "maintenance" && segments[1] == "categoryOptionComboUpdate" && segments[2] == "categoryCombo"
}

// updateCombos is POST /maintenance/categoryOptionComboUpdate/categoryCombo/uid.
func (c *request) updateCombos() error {
	if !c.u.Has("F_PERFORM_MAINTENANCE") {
		return problem.Requires("F_PERFORM_MAINTENANCE")
	}
	found, err := c.s.UpdateOptionCombos(c.r.Context(), c.u, c.seg[3])
	if err != nil {
		return err
	}
	if !found {
		return problem.Conflict("CategoryCombo does not exist: %s", c.seg[3])
	}
	return c.message(dhis2.OK("Category option combos updated"))
}
