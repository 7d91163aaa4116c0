package sandbox

import "net/http"

// formLogin is where the sign-in page of DHIS2 up to 2.41 posts to.
const formLogin = "/dhis-web-commons-security/login.action"

// loginByForm takes j_username, j_password and 2fa_code.
func (c *call) loginByForm() error {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, smallBody)
	if err := c.r.ParseForm(); err != nil {
		return c.redirect(http.StatusFound, "/dhis-web-commons/security/login.action?failed=true")
	}
	name := c.r.PostForm.Get("j_username")
	status, err := c.loginStatus(name, c.r.PostForm.Get("j_password"), c.r.PostForm.Get("2fa_code"))
	if err != nil {
		return err
	}
	if status != "SUCCESS" {
		return c.redirect(http.StatusFound, "/dhis-web-commons/security/login.action?failed=true")
	}
	id, err := c.sessions.open(name, byLogin)
	if err != nil {
		return err
	}
	c.giveCookie(id)
	return c.redirect(http.StatusFound, baseURL(c.r)+"/")
}
