package console

import "strings"

// scopes says what a client may do, in sentences.
func (c *catalogue) scopes(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if text := c.scope(s); !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

func (c *catalogue) scope(s string) string {
	switch s {
	case "ALL", "*:*":
		return c.T("scope.all")
	case "openid", "profile", "email", "username", "me:read":
		return c.T("scope.me")
	case "*:read":
		return c.T("scope.read_all")
	case "*:write":
		return c.T("scope.write_all")
	case "metadata:validate":
		return c.T("scope.validate")
	}
	what, action, _ := strings.Cut(s, ":")
	switch action {
	case "read":
		return c.T("scope.read", what)
	case "write":
		return c.T("scope.write", what)
	}
	return c.T("scope.both", what)
}
