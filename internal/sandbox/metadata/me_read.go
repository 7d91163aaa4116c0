package metadata

import (
	"errors"
	"slices"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// meOrder are the members of /me in DHIS2's order (2.44 MeDto.java).
var meOrder = []string{
	"id", "username", "surname", "firstName", "employer", "languages", "gender", "jobTitle", "avatar", "created", "lastUpdated", "dataViewOrganisationUnits",
	"userGroups", "translations", "teiSearchOrganisationUnits", "organisationUnits", "displayName", "access", "name", "email", "emailVerified", "phoneNumber",
	"introduction", "birthday", "nationality", "education", "interests", "whatsApp", "facebookMessenger", "skype", "telegram", "twitter", "userRoles", "settings",
	"programs", "authorities", "dataSets", "patTokens", "twoFactorType", "attributeValues", "favorites",
}

// defaultSettings are a user's settings as long as nobody sets them.
var defaultSettings = []struct {
	name  string
	value any
}{

	{"keyDbLocale", "en"}, {"keyMessageSmsNotification", false}, {"keyTrackerDashboardLayout", ""}, {"keyStyle", "light_blue/light_blue.css"}, {"keyUiLocale", "en"},
	{"keyAnalysisDisplayProperty", "name"}, {"keyMessageEmailNotification", false},
}

// settings shows the user's settings, or the named ones; an unknown one is "".
func (c *request) settings(n *node) map[string]any {
	out := map[string]any{}
	for _, s := range defaultSettings {
		if n == nil || len(n.order) == 0 || n.includes[s.name] != nil {
			out[s.name] = s.value
		}
	}
	if n != nil {
		for _, name := range n.order {
			if _, ok := out[name]; !ok {
				out[name] = ""
			}
		}
	}
	return out
}

func (c *request) me() error {
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	body, err := c.myself(n)
	if err != nil {
		return err
	}
	return c.tagged(body)
}

// myself renders the caller with the members that n asks for.
func (c *request) myself(n *node) ([]byte, error) {
	users := c.s.cat.bySingular["user"]
	o, err := load(c.r.Context(), c.q, users, c.u.UID)
	if errors.Is(err, errNoObject) {
		return nil, problem.NotFound("User with id %s could not be found.", c.u.UID)
	}
	if err != nil {
		return nil, err
	}
	r := c.s.renderer(c.r.Context(), c.q, c.u, c.base())
	b := []byte{'{'}
	var late []lateMember
	for _, name := range meOrder {
		f, ok := wantsMine(n, name)
		if !ok {
			continue
		}
		v, err := c.mine(r, users, o, name, f)
		if err != nil {
			return nil, err
		}
		v = r.transformed(f, v)
		if as, renamed := f.renamed(); renamed {
			late = append(late, lateMember{as, v})
			continue
		}
		if v == nil {
			continue
		}
		b = appendKey(b, 1, name)
		if b, err = appendAny(b, v); err != nil {
			return nil, err
		}
	}
	for _, m := range late {
		b = appendKey(b, 1, m.name)
		if b, err = appendAny(b, m.value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func wantsMine(n *node, name string) (*node, bool) {
	if n.excludes[name] {
		return nil, false
	}
	if f := n.includes[name]; f != nil {
		return f, true
	}
	for _, p := range n.presets {
		if p == "all" || p == "identifiable" && slices.Contains(identifiableMembers, name) {
			return defaultNode("all"), true
		}
	}
	return nil, false
}

// mine is one member of /me.
func (c *request) mine(r *renderer, users *schema, o *object, name string, f *node) (any, error) {
	switch name {
	case "access":
		return map[string]any{"manage": false, "write": false, "read": false, "update": false, "delete": false}, nil
	case "emailVerified":
		return boolOf(o.doc, "emailVerified"), nil
	case "settings":
		return c.settings(f), nil
	case "authorities":
		list := make([]any, len(c.u.Authorities))
		for i, a := range c.u.Authorities {
			list[i] = a
		}
		return list, nil
	case "translations", "programs", "dataSets", "patTokens":
		return []any{}, nil
	case "twoFactorType":
		return c.u.TwoFactor, nil
	case "displayName", "name":
		return c.u.Name(), nil
	}
	p := users.byName[name]
	if p == nil {
		return nil, nil
	}
	return r.value(users, p, o.doc, f)
}
