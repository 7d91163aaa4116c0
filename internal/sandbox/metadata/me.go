package metadata

import (
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
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
