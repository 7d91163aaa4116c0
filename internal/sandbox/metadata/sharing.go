package metadata

import (
	"database/sql"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// accessForm is an access string: metadata and data, read and write.
var accessForm = regexp.MustCompile(`^(r-|rw|--)(r-|rw|--)----$`)

// storeDoc stores the new state of an object that was changed outside the importer.
func (c *request) storeDoc(o *object) error {
	return c.s.write(c.r.Context(), func(tx *sql.Tx) error { return put(c.r.Context(), tx, o) })
}

// putSharing is PUT /type/uid/sharing.
func (c *request) putSharing() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	body, _, err := c.jsonObject("org.hisp.dhis.user.sharing.Sharing")
	if err != nil {
		return err
	}
	if isDefault(uid) {
		return problem.Conflict("Sharing settings of system default metadata object of type %s cannot be modified.", c.typ.singular)
	}
	sh := coerceSharing(body)
	if errs := c.typ.sharingErrors(sh); len(errs) > 0 {
		r := typeResponse{Status: dhis2.StatusError, ResponseType: "TypeReport", ObjectReports: []objectReport{{Klass: "org.hisp.dhis.user.sharing.Sharing", ErrorReports: errs}}}
		return c.message(dhis2.NewMessage(http.StatusConflict, dhis2.StatusError, dhis2.ErrorsInReport).WithResponse(r))
	}
	for _, k := range []string{"owner", "public"} {
		if textOf(sh, k) == "" {
			sh[k] = sharingOf(o.doc)[k]
		}
	}
	o.doc["sharing"] = sh
	if err := c.storeDoc(o); err != nil {
		return err
	}
	return c.nothing()
}

// sharingErrors checks access strings: E3015, E3017, E3018, E3011.
func (s *schema) sharingErrors(sh map[string]any) []errorReport {
	var errs []errorReport
	wrong := func(code, format, value string) {
		e := report(nil, code, format, value)
		e.MainKlass, e.ErrorKlass = "org.hisp.dhis.user.sharing.Sharing", s.className()
		errs = append(errs, e)
	}
	if public := textOf(sh, "public"); public != "" && !accessForm.MatchString(public) {
		wrong("E3015", "Invalid public access string: `%s`", public)
	} else if public != "" && !s.dataShareable && public[2:4] != "--" {
		wrong("E3011", "Data sharing is not enabled for this object", "")
	}
	for _, k := range []struct{ member, code, text string }{{"userGroups", "E3017", "Invalid user group access string: `%s`"}, {"users", "E3018", "Invalid user access string: `%s`"}} {
		m, _ := sh[k.member].(map[string]any)
		for _, a := range m {
			if access := accessOf(a); !accessForm.MatchString(access) {
				wrong(k.code, k.text, access)
			}
		}
	}
	return errs
}

// putTranslations is PUT /type/uid/translations.
func (c *request) putTranslations() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	body, _, err := c.jsonObject("org.hisp.dhis.webapi.webdomain.Translations")
	if err != nil {
		return err
	}
	fail := func(e errorReport) error {
		r := objectOK(c.typ, "", e)
		return c.message(dhis2.NewMessage(http.StatusConflict, dhis2.StatusWarning, dhis2.ErrorsInReport).WithResponse(r))
	}
	if !c.typ.translatable {
		e := report(nil, "E1107", "Object type `%s` is not translatable", c.typ.simpleName())
		e.MainKlass, e.ErrorKlass = "org.hisp.dhis.translation.Translation", c.typ.className()
		return fail(e)
	}
	list := []any{}
	for _, v := range listOf(body, "translations") {
		m, _ := v.(map[string]any)
		t := map[string]any{}
		for _, k := range []string{"locale", "property", "value"} {
			if m[k] != nil {
				t[k] = m[k]
			}
		}
		list = append(list, t)
	}
	if errs := c.typ.checkTranslations(document{"id": uid, "translations": list}); len(errs) > 0 {
		return fail(errs[0])
	}
	o.doc["translations"] = list
	if err := c.storeDoc(o); err != nil {
		return err
	}
	return c.nothing()
}

// favorite is POST and DELETE of /type/uid/favorite.
func (c *request) favorite() error {
	if !c.typ.favoritable {
		if err := c.mediaType("application/json"); err != nil {
			return err
		}
		return problem.Conflict("Objects of this class cannot be set as favorite")
	}
	return c.flag("favorites", "Object '%s' set as favorite for user '%s'", "Object '%s' removed as favorite for user '%s'", false)
}

// subscriber is POST and DELETE of /type/uid/subscriber.
func (c *request) subscriber() error {
	if c.typ.byName["subscribers"] == nil {
		return problem.Conflict("Objects of this class cannot be subscribed to")
	}
	return c.flag("subscribers", "User '%s' subscribed to object '%s'", "User '%s' removed as subscriber of object '%s'", true)
}

func (c *request) flag(member, set, unset string, userFirst bool) error {
	o, err := c.object()
	if err != nil {
		return err
	}
	list := without(listOf(o.doc, member), func(v any) bool { return v == c.u.UID })
	text := unset
	if c.r.Method == http.MethodPost {
		list, text = append(list, c.u.UID), set
	}
	o.doc[member] = list
	if err := c.storeDoc(o); err != nil {
		return err
	}
	args := []string{o.uid, c.u.Username}
	if userFirst {
		slices.Reverse(args)
	}
	for _, a := range args {
		text = strings.Replace(text, "%s", a, 1)
	}
	return c.message(dhis2.OK(text))
}

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
