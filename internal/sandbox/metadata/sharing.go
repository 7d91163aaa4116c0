package metadata

import (
	"database/sql"
	"errors"
	"net/http"
	"regexp"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// accessForm is an access string: metadata and data, read and write.
var accessForm = regexp.MustCompile(`^(r-|rw|--)(r-|rw|--)----$`)

// storeMembers stores the named members of an object as they are now in o, and leaves
// the others as somebody else may have made them meanwhile.
func (c *request) storeMembers(o *object, names ...string) error {
	ctx := c.r.Context()
	return c.s.write(ctx, func(tx *sql.Tx) error {
		now, err := loadSeq(ctx, tx, o.typ, o.seq)
		if errors.Is(err, sql.ErrNoRows) {
			return problem.NotFound("%s with id %s could not be found.", o.typ.simpleName(), o.uid)
		}
		if err != nil {
			return err
		}
		for _, n := range names {
			if v, ok := o.doc[n]; ok {
				now.doc[n] = v
			} else {
				delete(now.doc, n)
			}
		}
		return put(ctx, tx, now)
	})
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
	if err := c.storeMembers(o, "sharing"); err != nil {
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
