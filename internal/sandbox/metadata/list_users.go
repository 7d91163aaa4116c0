package metadata

import (
	"slices"
	"strconv"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// userParams checks the parameters of a list of users.
func (c *request) userParams() error {
	if v := c.query.Get("inactiveMonths"); v != "" {
		if _, err := strconv.Atoi(v); err != nil {
			return problem.BadRequest("Value '%s' is not valid for parameter inactiveMonths. For input string: \"%s\"", v, v)
		}
	}
	for _, k := range []string{"lastLogin", "inactiveSince"} {
		if v := c.query.Get(k); v != "" {
			if _, ok := parseDate(v); !ok {
				return problem.BadRequest("Value '%s' is not valid for parameter %s. Invalid format: \"%s\"", v, k, v)
			}
		}
	}
	if v := c.query.Get("orgUnitBoundary"); v != "" && !slices.Contains([]string{"DATA_CAPTURE", "DATA_OUTPUT", "TEI_SEARCH"}, v) {
		return problem.BadRequest("Value '%s' is not valid for parameter orgUnitBoundary. Valid values are: [DATA_CAPTURE, DATA_OUTPUT, TEI_SEARCH]", v)
	}
	return nil
}

// userCondition is what the parameters of a list of users demand.
func (c *request) userCondition() func(document) bool {
	var all []func(document) bool
	if v := c.query.Get("phoneNumber"); v != "" {
		all = append(all, func(d document) bool { return textOf(d, "phoneNumber") == v })
	}
	if c.query.Get("invitationStatus") != "" && c.query.Get("invitationStatus") != "NONE" {
		all = append(all, func(d document) bool { return boolOf(d, "invitation") })
	}
	if c.isTrue("selfRegistered") {
		all = append(all, func(d document) bool { return boolOf(d, "selfRegistered") })
	}
	if len(all) == 0 {
		return nil
	}
	return func(d document) bool {
		return !slices.ContainsFunc(all, func(f func(document) bool) bool { return !f(d) })
	}
}
