package metadata

import (
	"errors"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// userActions are the paths /users/uid/… of their own.
func (c *request) userActions(name string) actions {
	switch name {
	case "disabled", "enabled", "expired", "unexpired":
		return actions{http.MethodPost: c.userState}
	case "replica":
		return actions{http.MethodPost: c.json(c.replicate)}
	case "reset":
		return actions{http.MethodPost: c.nothingForUser}
	case "dataApprovalWorkflows":
		return actions{http.MethodGet: c.json(c.approvalWorkflows)}
	case "twoFA":
		return nil
	}
	return nil
}

// mayManageUsers demands the right to create users.
func (c *request) mayManageUsers() error {
	if c.u.HasAny("F_USER_ADD", "F_USER_ADD_WITHIN_MANAGED_GROUP") {
		return nil
	}
	return problem.Conflict("You must have permissions to create user, or ability to manage at least one user group for the user.")
}

// userState is POST /users/uid/{disabled,enabled,expired,unexpired}.
func (c *request) userState() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	if err := c.mayChangeState(o); err != nil {
		return err
	}
	switch c.seg[2] {
	case "disabled":
		if uid == c.u.UID {
			return problem.Conflict("User cannot disable themselves.")
		}
		o.doc["disabled"] = true
	case "enabled":
		o.doc["disabled"] = false
	case "expired":
		date := c.query.Get("date")
		t, ok := parseDate(date)
		if !ok {
			return problem.BadRequest("Invalid date format '%s', only ISO format or UNIX Epoch timestamp is supported.", date)
		}
		o.doc["accountExpiry"] = stamp(t)
	case "unexpired":
		delete(o.doc, "accountExpiry")
	}
	if err := c.storeMembers(o, "disabled", "accountExpiry"); err != nil {
		return err
	}
	if boolOf(o.doc, "disabled") && c.s.cfg.EndSessions != nil {
		c.s.cfg.EndSessions(textOf(o.doc, "username"))
	}
	return c.nothing()
}

// mayChangeState keeps those with less from touching those with ALL.
func (c *request) mayChangeState(o *object) error {
	target, err := c.s.UserByUID(c.r.Context(), o.uid)
	if err != nil {
		return err
	}
	if target.Super() && !c.u.Super() {
		return problem.Forbidden("You don't have the proper permissions to update this user.")
	}
	return nil
}

func (c *request) nothingForUser() error {
	uid, err := uidOf(c.seg[1], "id")
	if err != nil {
		return err
	}
	o, err := c.writable(uid)
	if err != nil {
		return err
	}
	if textOf(o.doc, "email") == "" {
		return problem.Conflict("user_does_not_have_valid_email")
	}
	return c.nothing()
}

// updateUser is PUT of a user: the answer of a failure is a whole import report.
func (c *request) updateUser(o *object, doc document) error {
	if err := c.mayManageUsers(); err != nil {
		return err
	}
	if target, err := c.s.UserByUID(c.r.Context(), o.uid); err != nil {
		return err
	} else if target.Super() && !c.u.Super() {
		return problem.Conflict("You must have permissions to create user, or ability to manage at least one user group for the user.")
	}
	p := c.importParams()
	p.strategy, p.single, p.atomic, p.skipValidation = "UPDATE", true, true, false
	g := c.s.newStage()
	defer g.close()
	raw, err := appendAny(nil, doc)
	if err != nil {
		return err
	}
	if err := g.add(c.typ, raw); err != nil {
		return err
	}
	rep, err := c.s.run(c.r.Context(), p, g)
	if err != nil {
		return err
	}
	if rep.Status != dhis2.StatusOK {
		return c.message(dhis2.NewMessage(http.StatusConflict, dhis2.StatusWarning, dhis2.ErrorsInReport).WithResponse(rep))
	}
	if c.query.Get("importReportMode") != "FULL" {
		rep.TypeReports[0].ObjectReports = []objectReport{}
	}
	return c.message(dhis2.OK("").WithResponse(rep))
}

// replicate is POST /users/uid/replica: the same user under another name.
func (c *request) replicate() error {
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := load(c.r.Context(), c.q, c.typ, uid)
	if errors.Is(err, errNoObject) {
		return problem.Conflict("User not found: %s", uid)
	}
	if err != nil {
		return err
	}
	if !c.typ.canCreate(c.u) {
		return problem.Forbidden("You don't have the proper permissions to create this object.")
	}
	body, _, err := c.jsonObject("java.util.LinkedHashMap<java.lang.String,java.lang.String>")
	if err != nil {
		return err
	}
	name, password := textOf(body, "username"), textOf(body, "password")
	switch {
	case strings.TrimSpace(name) == "":
		return problem.Conflict("Username must be specified")
	case !validUsername(name):
		return problem.Conflict("Username is not valid")
	case strings.TrimSpace(password) == "":
		return problem.Conflict("Password must be specified")
	}
	if _, err := c.s.UserByUsername(c.r.Context(), name); err == nil {
		return problem.Conflict("Username already taken: %s", name)
	} else if !errors.Is(err, ErrNoUser) {
		return err
	}
	if rule := c.s.passwordRule(password, name, ""); rule != "" {
		return problem.Conflict("%s", rule)
	}
	doc, _ := cloneAny(o.doc).(map[string]any)
	for _, k := range []string{"id", "code", "created", "createdBy", "openId", "ldapId", "passwordLastUpdated", "lastLogin"} {
		delete(doc, k)
	}
	doc["username"], doc["password"] = name, password
	groups, err := referrers(c.r.Context(), c.q, c.s.cat, c.typ, uid, c.s.cat.bySingular["userGroup"], "users")
	if err != nil {
		return err
	}
	list := []any{}
	for _, g := range groups {
		list = append(list, id(g.uid))
	}
	doc["userGroups"] = list
	p := c.importParams()
	p.strategy, p.create = "CREATE", true
	made, errs, err := c.importOne(p, doc)
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		return c.refused(dhis2.StatusError, made, errs)
	}
	c.w.Header().Set("Location", c.base()+"/api/users/"+made)
	return c.message(dhis2.Created("User replica created"))
}

func (c *request) approvalWorkflows() error {
	if _, err := c.object(); err != nil {
		return err
	}
	return c.tagged([]byte(`{"dataApprovalWorkflows":[]}`))
}
