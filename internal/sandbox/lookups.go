package sandbox

import "context"

// groupName is the name of a user group, "" for none.
func (c *call) groupName(uid string) (string, error) {
	return c.meta.GroupName(c.r.Context(), uid)
}

// openIDOwner finds the user whose openId a claim holds.
func (c *call) openIDOwner(ctx context.Context, openID string) (string, error) {
	name, err := c.meta.UsernameByOpenID(ctx, openID)
	if err == nil && name == "" {
		err = noUserFor("email", openID)
	}
	return name, err
}
