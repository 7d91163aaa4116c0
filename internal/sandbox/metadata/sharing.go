package metadata

import (
	"database/sql"
	"net/http"
	"regexp"

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
