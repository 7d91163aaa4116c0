package metadata

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// meActions are the paths below /me.
func (c *request) meActions() actions {
	switch strings.Join(c.seg[1:], "/") {
	case "":
		return actions{http.MethodGet: c.json(c.me), http.MethodPut: c.json(c.updateMe)}
	case "authorities", "authorization":
		return actions{http.MethodGet: c.json(c.myAuthorities)}
	case "changePassword":
		return actions{http.MethodPut: c.changePassword}
	case "verifyPassword":
		return actions{http.MethodPost: c.json(c.verifyPassword)}
	case "validatePassword":
		return actions{http.MethodPost: c.json(c.validatePassword)}
	case "dashboard":
		return actions{http.MethodGet: c.json(c.myDashboard)}
	case "dashboard/interpretations/read":
		return actions{http.MethodPost: c.nothing}
	case "avatar":
		return actions{http.MethodDelete: c.nothing}
	case "dataApprovalWorkflows":
		return actions{http.MethodGet: c.json(func() error { return c.tagged([]byte(`{"dataApprovalWorkflows":[]}`)) })}
	case "dataApprovalLevels":
		return actions{http.MethodGet: c.json(func() error { c.w.Header().Set("Cache-Control", "no-store"); return c.value(http.StatusOK, []any{}) })}
	case "settings":
		return actions{http.MethodGet: c.json(func() error { return c.value(http.StatusOK, c.settings(nil)) })}
	}
	if len(c.seg) == 3 && (c.seg[1] == "authorities" || c.seg[1] == "authorization") {
		return actions{http.MethodGet: c.json(c.myAuthority)}
	}
	return nil
}

func (c *request) myAuthorities() error {
	c.w.Header().Set("Cache-Control", "no-store")
	return c.value(http.StatusOK, c.u.Authorities)
}

func (c *request) myAuthority() error {
	c.w.Header().Set("Cache-Control", "no-store")
	return c.value(http.StatusOK, c.u.Has(c.seg[2]))
}

func (c *request) myDashboard() error {
	c.w.Header().Set("Cache-Control", cacheNever)
	return c.value(http.StatusOK, map[string]int{"unreadInterpretations": 0, "unreadMessageConversations": 0})
}

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
	o, err := load(c.r.Context(), c.s.db, users, c.u.UID)
	if errors.Is(err, errNoObject) {
		return nil, problem.NotFound("User with id %s could not be found.", c.u.UID)
	}
	if err != nil {
		return nil, err
	}
	r := c.s.renderer(c.r.Context(), c.s.db, c.u, c.base())
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
	o, err := load(c.r.Context(), c.s.db, users, c.u.UID)
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
	if err := c.storeDoc(o); err != nil {
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

const changePasswordMethod = "public void org.hisp.dhis.webapi.controller.user.MeController.changePassword(java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user.User) throws org.hisp.dhis.feedback.ConflictException"

// changePassword is PUT /me/changePassword.
func (c *request) changePassword() error {
	if err := c.mediaType("application/json"); err != nil {
		return err
	}
	b, err := c.body()
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(string(b)); text == "" || text == "null" {
		return problem.BadRequest("Required request body is missing: %s", changePasswordMethod)
	}
	if err := checkJSON(b); err != nil {
		if j, ok := errors.AsType[*jsonError](err); ok {
			return problem.BadRequest("JSON parse error: %s", j.msg)
		}
		return err
	}
	v, err := parseAny(b)
	if err != nil {
		return problem.BadRequest("JSON parse error: %s", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		what, token := tokenOf(v)
		return problem.BadRequest("JSON parse error: Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from %s (token `JsonToken.%s`)", what, token)
	}
	before, after := textOf(m, "oldPassword"), textOf(m, "newPassword")
	switch {
	case before == "" || after == "":
		return problem.Conflict("OldPassword and newPassword must be provided")
	case !c.s.CheckPassword(c.u, before):
		return problem.Conflict("OldPassword is incorrect")
	}
	if rule := c.s.CheckNewPassword(c.u, after); rule != "" {
		return problem.Conflict("%s", rule)
	}
	if err := c.s.SetPassword(c.r.Context(), c.u, after); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// verifyPassword is POST /me/verifyPassword.
func (c *request) verifyPassword() error {
	m, _, err := c.jsonObject("java.util.LinkedHashMap<java.lang.String,java.lang.String>")
	if err != nil {
		return err
	}
	return c.value(http.StatusOK, map[string]bool{"isCorrectPassword": c.s.CheckPassword(c.u, textOf(m, "password"))})
}

// validatePassword is POST /me/validatePassword: the bare password as text.
func (c *request) validatePassword() error {
	b, err := c.body()
	if err != nil {
		return err
	}
	out := map[string]any{"isValidPassword": true}
	if rule := c.s.CheckNewPassword(c.u, string(b)); rule != "" {
		out["isValidPassword"], out["errorMessage"] = false, rule
	}
	return c.value(http.StatusOK, out)
}

// authorities is GET /authorities: every authority that a role can hold.
func (c *request) authorities() error {
	type authority struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	var list []authority
	for _, name := range c.s.allAuthorities() {
		list = append(list, authority{name, authorityName(name)})
	}
	slices.SortFunc(list, func(x, y authority) int {
		return strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name))
	})
	body, err := dhis2.EncodeJSON(map[string]any{"systemAuthorities": list})
	if err != nil {
		return err
	}
	return c.tagged(body)
}
