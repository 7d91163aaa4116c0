package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

var pageBadRequest = problem.Page{Status: http.StatusBadRequest}

// maxBody is the largest body of one object, in bytes.
const maxBody = 64 << 20

// body reads a body that is not streamed.
func (c *request) body() ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, problem.BadRequest("I/O error while reading input message")
	}
	return b, nil
}

// checkJSON checks a body as Jackson would; an empty one is Jackson's complaint.
func checkJSON(b []byte) error {
	sc := newScanner(strings.NewReader(string(b)))
	if _, ok, err := sc.skipSpace(); err != nil {
		return err
	} else if !ok {
		return &jsonError{msg: "No content to map due to end-of-input", line: 1}
	}
	return sc.value(0)
}

// jsonObject reads a body that must be an object; class is its Java class.
func (c *request) jsonObject(class string) (document, []byte, error) {
	if err := c.mediaType("application/json"); err != nil {
		return nil, nil, err
	}
	b, err := c.body()
	if err != nil {
		return nil, nil, err
	}
	if err := checkJSON(b); err != nil {
		return nil, nil, err
	}
	v, err := parseAny(b)
	if err != nil {
		return nil, nil, problem.Plain409("%s", err.Error())
	}
	m, ok := v.(map[string]any)
	if !ok {
		what, token := tokenOf(v)
		text := "Cannot deserialize value of type `" + class + "` from " + what + " (token `JsonToken." + token + "`)"
		if s, isText := v.(string); isText {
			text = "Cannot construct instance of `" + class + "` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('" + s + "')"
		}
		return nil, nil, &jsonError{text, 1, 1}
	}
	return m, b, nil
}

// object finds the object of the path that the user may read.
func (c *request) object() (*object, error) {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return nil, err
	}
	o, err := load(c.r.Context(), c.s.db, c.typ, uid)
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

// fieldsOr reads the fields parameters, repeated ones together; none means the default.
func (c *request) fieldsOr(def string) (*node, error) {
	return parseFields(c.fieldsText(def))
}

func (c *request) fieldsText(def string) string {
	text := strings.Join(c.query["fields"], ",")
	if strings.TrimSpace(text) == "" {
		text = def
	}
	return text
}

// excludesDefaults reads the parameter defaults.
func (c *request) excludesDefaults() (bool, error) {
	switch v := c.query.Get("defaults"); v {
	case "", "INCLUDE":
		return false, nil
	case "EXCLUDE":
		return true, nil
	default:
		return false, problem.BadRequest("Value '%s' is not valid for parameter defaults. Valid values are: [INCLUDE, EXCLUDE]", v)
	}
}

func (c *request) renderer() (*renderer, error) {
	exclude, err := c.excludesDefaults()
	if err != nil {
		return nil, err
	}
	r := c.s.renderer(c.r.Context(), c.s.db, c.u, c.base())
	r.excludeDefs, r.locale = exclude, c.exportLocale()
	return r, nil
}

// read is GET of one object.
func (c *request) read() error {
	if err := c.readable(); err != nil {
		return err
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	if c.typ.singular == "organisationUnit" && (c.isTrue("includeChildren") || c.isTrue("includeDescendants") || c.isTrue("includeAncestors")) {
		return c.unitFamily(o)
	}
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	if err := c.forms(o); err != nil {
		return err
	}
	body, err := r.object(nil, c.typ, o.doc, n)
	if err != nil {
		return err
	}
	return c.private(body)
}

// unitFamily is GET of an organisation unit with those around it: a list.
func (c *request) unitFamily(o *object) error {
	p, err := c.listParams()
	if err != nil {
		return err
	}
	n, err := c.fieldsOr("id,displayName")
	if err != nil {
		return err
	}
	sel, err := c.selection(p)
	if err != nil {
		return err
	}
	path := textOf(o.doc, "path")
	below, above := c.isTrue("includeChildren") || c.isTrue("includeDescendants"), c.isTrue("includeAncestors")
	sel.keep = func(d document) bool {
		other := textOf(d, "path")
		if !c.isTrue("includeDescendants") && idOf(d["parent"]) != o.uid && other != path && !above {
			return false
		}
		return other == path || below && strings.HasPrefix(other, path+"/") || above && strings.HasPrefix(path, other+"/")
	}
	return c.listSelection(p, n, sel)
}

// forms notes the sections of a data set, which decide its kind of form.
func (c *request) forms(o *object) error {
	if o.typ.singular != "dataSet" {
		return nil
	}
	sections, err := referrers(c.r.Context(), c.s.db, c.s.cat, o.typ, o.uid, c.s.cat.bySingular["section"], "dataSet")
	if err == nil && len(sections) > 0 {
		o.doc["sections"] = []any{id(sections[0].uid)}
	}
	return err
}

// readProperty is GET of one member of an object.
func (c *request) readProperty() error {
	if err := c.readable(); err != nil {
		return err
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	text := c.seg[2]
	if f := strings.Join(c.query["fields"], ","); f != "" {
		text += "[" + f + "]"
	} else if p := c.typ.byName[c.seg[2]]; p != nil && (p.kind == kRefs || p.kind == kRef) {
		text += "[*]"
	}
	n, err := parseFields(text)
	if err != nil {
		return err
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	body, err := r.object(nil, c.typ, o.doc, n)
	if err != nil {
		return err
	}
	return c.private(body)
}

// anyObject is GET /identifiableObjects/{uid}: whatever type has it.
func (c *request) anyObject() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	for _, s := range c.s.cat.schemas {
		if !s.stored() {
			continue
		}
		o, err := load(c.r.Context(), c.s.db, s, uid)
		if errors.Is(err, errNoObject) || err == nil && !s.canRead(c.u, o.doc) {
			continue
		}
		if err != nil {
			return err
		}
		n, err := c.fieldsOr("*")
		if err != nil {
			return err
		}
		r, err := c.renderer()
		if err != nil {
			return err
		}
		body, err := r.object(nil, s, o.doc, n)
		if err != nil {
			return err
		}
		return c.private(body)
	}
	return problem.NotFound("IdentifiableObject with id %s could not be found.", uid)
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
		skipValidation:  c.isTrue("skipValidation"),
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
	o, err := load(c.r.Context(), c.s.db, c.typ, uid)
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
	o, err := load(c.r.Context(), c.s.db, c.typ, uid)
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

// schemaOfType is GET /type/schema.
func (c *request) schemaOfType() error {
	c.seg = []string{"schemas", c.typ.singular}
	return c.schemaOne()
}

// dashboardSearch is GET /dashboards/q/{text}: visualizations, maps and others whose
// name holds the text.
func (c *request) dashboardSearch() error {
	out := map[string]any{}
	total := 0
	for _, k := range []struct{ typ, count string }{{"visualization", "visualizationCount"}, {"map", "mapCount"}, {"eventReport", "eventReportCount"}, {"eventChart", "eventChartCount"}, {"user", "userCount"}, {"report", "reportCount"}} {
		s := c.s.cat.bySingular[k.typ]
		found := []any{}
		err := each(c.r.Context(), c.s.db, s, `name LIKE ? ESCAPE '\'`, []any{"%" + likeText(c.seg[2]) + "%"}, func(o *object) error {
			if len(found) < 6 && s.canRead(c.u, o.doc) {
				found = append(found, map[string]any{"id": o.uid, "name": nameOf(s, o.doc)})
			}
			return nil
		})
		if err != nil {
			return err
		}
		out[s.plural], out[k.count] = found, json.Number(strconv.Itoa(len(found)))
		total += len(found)
	}
	out["searchCount"] = json.Number(strconv.Itoa(total))
	body, err := appendAny(nil, out)
	if err != nil {
		return err
	}
	return c.private(body)
}

func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// expressionDescription is POST /indicators/expression/description: the expression
// with the names of what it refers to.
func (c *request) expressionDescription() error {
	b, err := c.body()
	if err != nil {
		return err
	}
	text, ok, err := c.s.describe(c.r.Context(), string(b))
	if err != nil {
		return err
	}
	if !ok {
		m := dhis2.OK("Expression is not well-formed")
		m.Status = dhis2.StatusError
		return c.message(m)
	}
	m := dhis2.OK("Valid")
	m.Description = text
	return c.message(m)
}

// describe replaces #{uid} by names; ok is false when the expression cannot be read.
func (s *Service) describe(ctx context.Context, expression string) (text string, ok bool, err error) {
	var out strings.Builder
	rest := strings.TrimSpace(expression)
	if rest == "" || strings.ContainsAny(rest[len(rest)-1:], "+-*/(,") || strings.Count(rest, "(") != strings.Count(rest, ")") {
		return "", false, nil
	}
	for {
		before, after, found := strings.Cut(rest, "#{")
		out.WriteString(before)
		if !found {
			return out.String(), true, nil
		}
		ref, tail, closed := strings.Cut(after, "}")
		if !closed {
			return "", false, nil
		}
		uid, _, _ := strings.Cut(ref, ".")
		o, err := load(ctx, s.db, s.cat.bySingular["dataElement"], uid)
		if errors.Is(err, errNoObject) {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		out.WriteString(textOf(o.doc, "name"))
		rest = tail
	}
}
