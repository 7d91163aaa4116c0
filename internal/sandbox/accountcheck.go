package sandbox

import (
	"errors"
	"net/http"
	"regexp"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// usernameForm is DHIS2's rule for a user name of four characters and more.
var usernameForm = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9._@+-]{2,253})[a-zA-Z0-9]$`)

// verdict is the answer of the account checks: always 200.
func (c *call) verdict(problem string) error {
	word := "success"
	if problem != "" {
		word = "error"
	}
	return c.json(http.StatusOK, struct {
		Response string `json:"response"`
		Message  string `json:"message"`
	}{word, problem}, noStore)
}

// checkUsername is GET /api/account/username and POST …/validateUsername.
func (c *call) checkUsername() error {
	if err := c.query.required("username"); err != nil {
		return err
	}
	name := c.query.get("username")
	_, err := c.meta.UserByUsername(c.r.Context(), name)
	switch {
	case err == nil:
		return c.verdict("Username is already taken")
	case !errors.Is(err, metadata.ErrNoUser):
		return err
	case !usernameForm.MatchString(name):
		return c.verdict("Username is not valid")
	}
	return c.verdict("")
}

// checkPassword is GET /api/account/password and POST …/validatePassword.
func (c *call) checkPassword() error {
	if err := c.query.required("password"); err != nil {
		return err
	}
	return c.verdict(c.meta.CheckNewPassword(&metadata.User{}, c.query.get("password")))
}
