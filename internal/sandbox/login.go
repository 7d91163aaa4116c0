package sandbox

import (
	"errors"
	"net/http"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

const (
	loginClass     = "org.hisp.dhis.webapi.controller.security.LoginRequest"
	loginSignature = "public org.hisp.dhis.webapi.controller.security.LoginResponse org.hisp.dhis.webapi.controller.security.AuthenticationController.login(jakarta.servlet.http.HttpServletRequest,jakarta.servlet.http.HttpServletResponse,org.hisp.dhis.webapi.controller.security.LoginRequest)"
)

// loginAnswer is the body of POST /api/auth/login.
type loginAnswer struct {
	LoginStatus string `json:"loginStatus"`
	RedirectURL string `json:"redirectUrl,omitempty"`
}

// login is POST /api/auth/login. What keeps a user out is a 200 with a status,
// but for a wrong password, which is 401.
func (c *call) login() error {
	if c.r.Header.Get("Authorization") != "" && c.user == nil {
		return c.turnAway("Unauthorized")
	}
	m, err := c.object(loginClass, loginSignature)
	if err != nil {
		return err
	}
	name := m.text("username")
	status, err := c.loginStatus(name, m.text("password"), m.text("twoFactorCode"))
	if err != nil {
		return err
	}
	switch {
	case status == "" && !c.wantsJSON():
		return c.redirect(http.StatusFound, c.loginPage())
	case status == "":
		return problem.New(http.StatusUnauthorized, "", "Bad credentials")
	case !c.wantsJSON():
		return &problem.Page{Status: http.StatusNotAcceptable}
	case status != "SUCCESS":
		return c.json(http.StatusOK, loginAnswer{LoginStatus: status}, noStore)
	}
	c.sessions.drop(cookieOf(c.r))
	id, err := c.sessions.open(name, byLogin)
	if err != nil {
		return err
	}
	c.giveCookie(id)
	return c.json(http.StatusOK, loginAnswer{status, c.afterLogin()}, noStore)
}

// afterLogin is where the sign-in page goes next.
func (c *call) afterLogin() string {
	if c.dialect.minor <= 41 {
		return "/" + c.settings.text("startModule") + "/"
	}
	return "/"
}

// loginStatus is DHIS2's word for an attempt, "" for wrong credentials. Locked,
// disabled and expired accounts are told apart before the password is looked at.
func (c *call) loginStatus(name, password, code string) (string, error) {
	if c.locked(name) {
		return "ACCOUNT_LOCKED", nil
	}
	u, err := c.meta.UserByUsername(c.r.Context(), name)
	if errors.Is(err, metadata.ErrNoUser) {
		c.failed(name)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	now := c.cfg.Now()
	switch {
	case u.Disabled:
		return "ACCOUNT_DISABLED", nil
	case u.Expired(now):
		return "ACCOUNT_EXPIRED", nil
	case u.ExternalAuth || !c.meta.CheckPassword(u, password):
		c.failed(name)
		return "", nil
	case c.passwordOver(u, now):
		return "PASSWORD_EXPIRED", nil
	case u.TwoFactor == totpEnabled && !totpMatches(u.TwoFactorSecret(), code, now):
		c.failed(name)
		if c.dialect.minor <= 41 {
			return "INCORRECT_TWO_FACTOR_CODE", nil
		}
		return "INCORRECT_TWO_FACTOR_CODE_TOTP", nil
	}
	c.failures.clear(name)
	return "SUCCESS", nil
}

// logout is the page that ends a session.
func (c *call) logout() error {
	c.sessions.drop(cookieOf(c.r))
	return c.redirect(http.StatusFound, "/")
}

// loginConfig is what the sign-in page asks before anybody has signed in.
type loginConfig struct {
	APIVersion               string   `json:"apiVersion"`
	ApplicationTitle         string   `json:"applicationTitle"`
	ApplicationDescription   string   `json:"applicationDescription"`
	ApplicationNotification  string   `json:"applicationNotification"`
	LeftSideFooter           string   `json:"applicationLeftSideFooter"`
	RightSideFooter          string   `json:"applicationRightSideFooter"`
	CountryFlag              string   `json:"countryFlag"`
	UILocale                 string   `json:"uiLocale"`
	LoginPopup               string   `json:"loginPopup"`
	LoginPageLayout          string   `json:"loginPageLayout"`
	LoginPageTemplate        string   `json:"loginPageTemplate"`
	RecaptchaSite            string   `json:"recaptchaSite"`
	MinPasswordLength        string   `json:"minPasswordLength"`
	MaxPasswordLength        string   `json:"maxPasswordLength"`
	EmailConfigured          bool     `json:"emailConfigured"`
	SelfRegistration         bool     `json:"selfRegistrationEnabled"`
	SelfRegistrationNoPuzzle bool     `json:"selfRegistrationNoRecaptcha"`
	AllowAccountRecovery     bool     `json:"allowAccountRecovery"`
	UseCustomLogoFront       bool     `json:"useCustomLogoFront"`
	OIDCProviders            []string `json:"oidcProviders"`
}

func (c *call) loginConfig() error {
	s := c.settings
	title := ""
	if s.isSet("applicationTitle") {
		title = s.text("applicationTitle")
	}
	return c.taggedJSON(loginConfig{
		APIVersion: c.version(), ApplicationTitle: title, ApplicationDescription: s.text("keyApplicationIntro"), ApplicationNotification: s.text("keyApplicationNotification"),
		LeftSideFooter: s.text("keyApplicationFooter"), RightSideFooter: s.text("keyApplicationRightFooter"), CountryFlag: s.text("keyFlag"), UILocale: s.text("keyUiLocale"),
		LoginPopup: s.text("loginPopup"), LoginPageLayout: s.text("loginPageLayout"), LoginPageTemplate: s.text("loginPageTemplate"), RecaptchaSite: s.text("recaptchaSite"),
		MinPasswordLength: itoa(s.number("minPasswordLength")), MaxPasswordLength: itoa(s.number("maxPasswordLength")),
		SelfRegistrationNoPuzzle: s.flag("keySelfRegistrationNoRecaptcha"), AllowAccountRecovery: s.flag("keyAccountRecovery"), UseCustomLogoFront: s.flag("keyUseCustomLogoFront"),
		OIDCProviders: []string{},
	})
}

// updatePassword is POST /api/auth/updatePassword: for those whose password has
// run out, who therefore cannot sign in.
func (c *call) updatePassword() error {
	m, err := c.object("org.hisp.dhis.webapi.controller.security.UpdatePasswordRequest", "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.security.UserAccountController.updatePassword(org.hisp.dhis.webapi.controller.security.UpdatePasswordRequest)")
	if err != nil {
		return err
	}
	name, old, next := m.text("username"), m.text("oldPassword"), m.text("newPassword")
	bad := func(text string) error { return problem.New(http.StatusBadRequest, "E1003", "%s", text) }
	if name == "" || old == "" || next == "" {
		return bad("Username, old password and new password are required")
	}
	if c.locked(name) {
		return bad("Invalid username or password")
	}
	u, err := c.meta.UserByUsername(c.r.Context(), name)
	if err != nil && !errors.Is(err, metadata.ErrNoUser) {
		return err
	}
	if err != nil || u.Disabled || u.ExternalAuth || !c.meta.CheckPassword(u, old) {
		c.failed(name)
		return bad("Invalid username or password")
	}
	if !c.passwordOver(u, c.cfg.Now()) {
		return bad("Account is not expired")
	}
	if rule := c.meta.CheckNewPassword(u, next); rule != "" {
		return bad(rule)
	}
	if err := c.meta.SetPassword(c.r.Context(), u, next); err != nil {
		return err
	}
	c.failures.clear(name)
	return c.done(http.StatusOK, "Password updated")
}
