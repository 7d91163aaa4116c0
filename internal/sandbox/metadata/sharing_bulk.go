package metadata

import (
	"database/sql"
	"errors"
	"net/http"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// bulkSharing is PATCH /type/sharing: {"<plural>": [uids], "patch": [ops]}.
func (c *request) bulkSharing() error {
	if err := c.mediaType("application/json-patch+json"); err != nil {
		return err
	}
	raw, err := c.body()
	if err != nil {
		return err
	}
	if err := checkJSON(raw); err != nil {
		return err
	}
	body, err := parseDocument(raw)
	if err != nil {
		return problem.BadRequest("Payload is empty")
	}
	ops, err := patchOps(listOf(body, "patch"))
	if err != nil {
		return err
	}
	todo := map[*schema]map[string][]patchOp{}
	for name, v := range body {
		if name == "patch" {
			continue
		}
		typ := c.s.cat.byPlural[name]
		if typ == nil {
			return c.bulkRefused(name)
		}
		todo[typ] = map[string][]patchOp{}
		list, _ := v.([]any)
		for _, u := range list {
			if uid, ok := u.(string); ok {
				todo[typ][uid] = ops
			}
		}
	}
	return c.shareAll(todo)
}

// bulkSharingOfAll is PATCH /metadata/sharing: {"<plural>": {"<uid>": [ops]}}.
func (c *request) bulkSharingOfAll() error {
	if err := c.mediaType("application/json-patch+json"); err != nil {
		return err
	}
	raw, err := c.body()
	if err != nil {
		return err
	}
	if err := checkJSON(raw); err != nil {
		return err
	}
	body, err := parseDocument(raw)
	if err != nil {
		return problem.BadRequest("Payload is empty")
	}
	todo := map[*schema]map[string][]patchOp{}
	for name, v := range body {
		typ := c.s.cat.byPlural[name]
		if typ == nil {
			return c.bulkRefused(name)
		}
		todo[typ] = map[string][]patchOp{}
		byUID, _ := v.(map[string]any)
		for uid, list := range byUID {
			l, _ := list.([]any)
			ops, err := patchOps(l)
			if err != nil {
				return err
			}
			todo[typ][uid] = ops
		}
	}
	return c.shareAll(todo)
}

const patchException = "org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchException"

// bulkRefused answers a name that is no type: E6002.
func (c *request) bulkRefused(name string) error {
	e := report(nil, "E6002", "Class name %s is not supported", name)
	e.MainKlass = patchException
	r := importReport{Status: dhis2.StatusError, ResponseType: "ImportReport", TypeReports: []typeReport{{Klass: patchException, ObjectReports: []objectReport{{Klass: patchException, ErrorReports: []errorReport{e}}}}}}
	return c.message(dhis2.NewMessage(http.StatusConflict, dhis2.StatusWarning, dhis2.ErrorsInReport).WithResponse(r))
}

// shareAll patches the sharing of many objects. With atomic=true nothing is stored
// when one of them cannot be.
func (c *request) shareAll(todo map[*schema]map[string][]patchOp) error {
	atomic := c.isTrue("atomic")
	r := importReport{Status: dhis2.StatusOK, ResponseType: "ImportReport", TypeReports: []typeReport{}}
	failed, stored := false, false
	err := c.s.write(c.r.Context(), func(tx *sql.Tx) error {
		for _, typ := range c.s.cat.schemas {
			if todo[typ] == nil {
				continue
			}
			tr := typeReport{Klass: typ.className(), ObjectReports: []objectReport{}}
			for uid, ops := range todo[typ] {
				e, err := c.shareOne(tx, typ, uid, ops)
				if err != nil {
					return err
				}
				if e != nil {
					tr.ObjectReports = append(tr.ObjectReports, objectReport{Klass: typ.className(), UID: uid, ErrorReports: []errorReport{*e}})
					failed = true
					continue
				}
				stored = true
				tr.Stats.Updated++
				tr.Stats.Total++
			}
			r.TypeReports = append(r.TypeReports, tr)
		}
		if failed && atomic {
			return errRolledBack
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRolledBack) {
		return err
	}
	for i := range r.TypeReports {
		if err != nil {
			r.TypeReports[i].Stats = dhis2.ImportStats{}
		}
		r.Stats.Add(r.TypeReports[i].Stats)
	}
	if !failed {
		return c.message(dhis2.OK("").WithResponse(r))
	}
	r.Status = dhis2.StatusWarning
	if !stored || atomic {
		r.Status = dhis2.StatusError
	}
	return c.message(dhis2.NewMessage(http.StatusConflict, dhis2.StatusWarning, dhis2.ErrorsInReport).WithResponse(r))
}

// shareOne patches the sharing of one object; a report says why it cannot be.
func (c *request) shareOne(tx *sql.Tx, typ *schema, uid string, ops []patchOp) (*errorReport, error) {
	patchError := func(code, format, arg string) *errorReport {
		e := report(nil, code, format, arg)
		e.MainKlass = patchException
		return &e
	}
	if !typ.shareable {
		return patchError("E3019", "Sharing is not enabled for this object `%s`", typ.singular), nil
	}
	for _, op := range ops {
		if op.steps[0] != "sharing" {
			return patchError("E4032", "Patch path `%s` is not supported", op.path), nil
		}
	}
	o, err := load(c.r.Context(), tx, typ, uid)
	if errors.Is(err, errNoObject) {
		e := report(typ, "E4014", "Invalid UID `%s` for property `%s`", uid, typ.singular)
		return &e, nil
	}
	if err != nil {
		return nil, err
	}
	if !typ.canManage(c.u, o.doc) {
		e := report(typ, "E3001", "User `%s` is not allowed to update object `%s`", c.u.Name()+" ["+c.u.UID+"] (User)", labelOf(typ, nameOf(typ, o.doc), uid))
		return &e, nil
	}
	for _, op := range ops {
		if err := op.apply(typ, o.doc); err != nil {
			return nil, err
		}
	}
	o.doc["sharing"] = coerceSharing(sharingOf(o.doc))
	return nil, put(c.r.Context(), tx, o)
}
