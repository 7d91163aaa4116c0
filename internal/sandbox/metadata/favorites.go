package metadata

import (
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

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
	if err := c.storeMembers(o, member); err != nil {
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
