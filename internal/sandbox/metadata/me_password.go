package metadata

import (
	"errors"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

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
