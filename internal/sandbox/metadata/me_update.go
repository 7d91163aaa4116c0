package metadata

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// mayChange are the members of a user that the user may change (2.44 MeController).
var mayChange = []string{
	"firstName", "surname", "email", "phoneNumber", "introduction", "jobTitle", "gender", "birthday", "nationality", "employer", "education", "interests", "languages",
	"whatsApp", "facebookMessenger", "skype", "telegram", "twitter",
}

// updateMe is PUT /me.
func (c *request) updateMe() error {
	in, _, err := c.jsonObject("org.hisp.dhis.user.User")
	if err != nil {
		return err
	}
	users := c.s.cat.bySingular["user"]
	in, err = users.coerce(in)
	if err != nil {
		return err
	}
	o, err := load(c.r.Context(), c.q, users, c.u.UID)
	if err != nil {
		return fmt.Errorf("load myself: %w", err)
	}
	if in["avatar"] != nil {
		return problem.Conflict("File does not exist")
	}
	if w := textOf(in, "whatsApp"); w != "" && !whatsAppForm.MatchString(w) {
		return problem.Conflict("Invalid format for WhatsApp value '%s'", w)
	}
	for _, k := range mayChange {
		v, ok := in[k]
		if !ok || v == "" && (k == "firstName" || k == "surname") {
			continue
		}
		if e, wrong := users.byName[k].validate(users, v); wrong {
			return problem.Conflict("%s", e.Message)
		}
		o.doc[k] = v
	}
	o.doc["name"] = textOf(o.doc, "firstName") + " " + textOf(o.doc, "surname")
	o.doc["lastUpdated"] = stamp(c.s.now())
	if err := c.storeMembers(o, append(slices.Clone(mayChange), "name", "lastUpdated")...); err != nil {
		return err
	}
	if c.u, err = c.s.UserByUID(c.r.Context(), c.u.UID); err != nil {
		return err
	}
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	body, err := c.myself(n)
	if err != nil {
		return err
	}
	c.bytes(http.StatusOK, jsonMedia, body)
	return nil
}
