package metadata

import (
	"net/http"

	"github.com/d2gate/d2gate/internal/dhis2"
)

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
	if err := c.storeMembers(o, "translations"); err != nil {
		return err
	}
	return c.nothing()
}
