package metadata

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

var pageBadRequest = problem.Page{Status: http.StatusBadRequest}

// object finds the object of the path that the user may read.
func (c *request) object() (*object, error) {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return nil, err
	}
	o, err := load(c.r.Context(), c.q, c.typ, uid)
	if errors.Is(err, errNoObject) {
		return nil, c.noSuch(uid)
	}
	if err != nil {
		return nil, err
	}
	if !c.typ.canRead(c.u, o.doc) {
		return nil, c.noSuch(uid)
	}
	return o, nil
}

// readable demands that the user may read objects of the type at all.
func (c *request) readable() error {
	if !c.typ.canReadType(c.u) {
		return problem.Forbidden("You don't have the proper permissions to read objects of this type.")
	}
	return nil
}

// importParams reads the parameters that CRUD and import share.
func (c *request) importParams() importParams {
	oneOf := func(name, def string, allowed ...string) string {
		v := c.query.Get(name)
		for _, a := range allowed {
			if v == a {
				return v
			}
		}
		return def
	}
	return importParams{
		user:            c.u,
		validate:        c.query.Get("importMode") == "VALIDATE",
		byCode:          c.query.Get("identifier") == "CODE",
		reportMode:      oneOf("importReportMode", "ERRORS", "FULL", "ERRORS_NOT_OWNER", "DEBUG"),
		strategy:        oneOf("importStrategy", "CREATE_AND_UPDATE", "CREATE", "UPDATE", "DELETE"),
		atomic:          c.query.Get("atomicMode") != "NONE",
		skipSharing:     c.isTrue("skipSharing"),
		skipTranslation: c.isTrue("skipTranslation"),
		skipValidation:  c.isTrue("skipValidation") && c.u.Super(), // rights are among what it skips
	}
}

// importOne imports one object and gives its report.
func (c *request) importOne(p importParams, doc document) (string, []errorReport, error) {
	g := c.s.newStage()
	defer g.close()
	raw, err := json.Marshal(doc)
	if err != nil {
		return "", nil, err
	}
	if err := g.add(c.typ, raw); err != nil {
		return "", nil, err
	}
	p.single, p.atomic = true, true
	rep, err := c.s.run(c.r.Context(), p, g)
	if err != nil {
		return "", nil, err
	}
	uid := g.types[c.typ].items[0].uid
	if len(rep.TypeReports) == 0 || len(rep.TypeReports[0].ObjectReports) == 0 {
		return uid, nil, nil
	}
	return uid, rep.TypeReports[0].ObjectReports[0].ErrorReports, nil
}

// create is POST of a new object.
func (c *request) create() error {
	doc, raw, err := c.jsonObject(c.typ.className())
	if err != nil {
		return err
	}
	if !c.typ.canCreate(c.u) {
		return problem.Forbidden("You don't have the proper permissions to create this object.")
	}
	p := c.importParams()
	p.strategy, p.create, p.skipValidation = "CREATE", true, false
	uid, errs, err := c.importOne(p, doc)
	if e, ok := errors.AsType[*memberError](err); ok {
		e.locate(raw)
	}
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		return c.refused(dhis2.StatusError, uid, errs)
	}
	c.w.Header().Set("Location", c.base()+"/api"+c.typ.endpoint+"/"+uid)
	return c.message(dhis2.Created("").WithResponse(objectOK(c.typ, uid)))
}

// refused is the 409 of a write to one object.
func (c *request) refused(status, uid string, errs []errorReport) error {
	return c.message(dhis2.NewMessage(http.StatusConflict, status, dhis2.ErrorsInReport).WithResponse(objectOK(c.typ, uid, errs...)))
}

// update is PUT of a whole object.
func (c *request) update() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	if err := c.mediaType("application/json"); err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	doc, _, err := c.jsonObject(c.typ.className())
	if err != nil {
		return err
	}
	doc["id"] = o.uid
	if c.typ.singular == "user" {
		return c.updateUser(o, doc)
	}
	if isDefault(uid) && c.typ.singular != "categoryOption" {
		return problem.Conflict("Updating default object of type %s is not allowed", c.typ.singular)
	}
	p := c.importParams()
	p.strategy, p.skipValidation = "UPDATE", false
	_, errs, err := c.importOne(p, doc)
	if err != nil {
		return err
	}
	return c.updated(o.uid, errs)
}

// updated answers a PUT or PATCH.
func (c *request) updated(uid string, errs []errorReport) error {
	if len(errs) > 0 {
		return c.refused(dhis2.StatusError, uid, errs)
	}
	if c.typ.singular == "map" && c.r.Method == http.MethodPut {
		return c.message(dhis2.OK(""))
	}
	if c.query.Get("importReportMode") == "ERRORS" && c.r.Method == http.MethodPatch {
		return c.message(dhis2.OK(""))
	}
	return c.message(dhis2.OK("").WithResponse(objectOK(c.typ, uid)))
}

// writable finds an object that the user may change.
func (c *request) writable(uid string) (*object, error) {
	o, err := load(c.r.Context(), c.q, c.typ, uid)
	if errors.Is(err, errNoObject) || err == nil && c.typ.canReadType(c.u) && !c.typ.canRead(c.u, o.doc) {
		return nil, c.noSuch(uid)
	}
	if err != nil {
		return nil, err
	}
	if !c.typ.canUpdate(c.u, o.doc) {
		what := "object"
		if c.typ.singular == "user" && c.r.Method == http.MethodPut {
			what = "user"
		}
		return nil, problem.Forbidden("You don't have the proper permissions to update this %s.", what)
	}
	return o, nil
}

// remove is DELETE of one object.
func (c *request) remove() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := load(c.r.Context(), c.q, c.typ, uid)
	if errors.Is(err, errNoObject) || err == nil && c.typ.canReadType(c.u) && !c.typ.canRead(c.u, o.doc) {
		return c.noSuch(uid)
	}
	if err != nil {
		return err
	}
	if !c.typ.canDelete(c.u, o.doc) {
		return problem.Forbidden("You don't have the proper permissions to delete this object.")
	}
	if c.typ.singular == "user" {
		if err := c.mayManageUsers(); err != nil {
			return err
		}
	}
	if isDefault(uid) {
		return c.message(dhis2.OK(""))
	}
	p := c.importParams()
	p.strategy, p.validate, p.byCode = "DELETE", false, false
	_, errs, err := c.importOne(p, document{"id": uid})
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		return c.refused(dhis2.StatusWarning, uid, errs)
	}
	return c.message(dhis2.OK("").WithResponse(objectOK(c.typ, uid)))
}
