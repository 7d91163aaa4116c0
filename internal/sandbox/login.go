package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as DHIS2 uses it
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

const loginSignature = "public org.hisp.dhis.webapi.controller.security.LoginResponse org.hisp.dhis.webapi.controller.security.AuthenticationController.login(jakarta.servlet.http.HttpServletRequest,jakarta.servlet.http.HttpServletResponse,org.hisp.dhis.webapi.controller.security.LoginRequest)"

// login is POST /api/auth/login (DHIS2 2.41 and later).
func login(c *call) error {
	if c.s.minor < 41 {
		return notFound
	}
	if ct := c.r.Header.Get("Content-Type"); ct != "" && !strings.HasPrefix(ct, "application/json") {
		if !strings.Contains(ct, "charset") {
			ct += ";charset=UTF-8"
		}
		return problem.New(http.StatusUnsupportedMediaType, "", "Content-Type '%s' is not supported", ct)
	}
	var in struct {
		Username, Password, TwoFactorCode any
	}
	if err := c.readJSON(&in, loginSignature); err != nil {
		return err
	}
	name, password, code := text(in.Username), text(in.Password), text(in.TwoFactorCode)
	status, u := c.s.signIn(c.r.Context(), c.r, name, password, code)
	switch {
	case status == "":
		if !c.acceptsJSON() {
			c.redirect("/login/")
			return nil
		}
		c.unauthorized("Bad credentials")
		return nil
	case !c.acceptsJSON():
		return notAcceptable
	case status != "SUCCESS":
		return c.json(http.StatusOK, map[string]any{"loginStatus": status})
	}
	if live, _ := c.s.sessions.find(c.r); live != nil {
		c.s.sessions.end(live)
	}
	if err := c.s.sessions.open(c.w, u.Username, true, false); err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		LoginStatus string `json:"loginStatus"`
		RedirectURL string `json:"redirectUrl"`
	}{status, "/"})
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// signIn gives the loginStatus, "" for bad credentials.
func (s *Sandbox) signIn(ctx context.Context, r *http.Request, name, password, code string) (string, *metadata.User) {
	u, err := s.md.UserByUsername(ctx, name)
	if err != nil || u.ExternalAuth {
		s.failed(r, name)
		return "", nil
	}
	switch {
	case s.locked(r, name):
		return "ACCOUNT_LOCKED", nil
	case u.Disabled:
		return "ACCOUNT_DISABLED", nil
	case u.Expired(s.cfg.Now()):
		return "ACCOUNT_EXPIRED", nil
	case !s.md.CheckPassword(u, password):
		s.failed(r, name)
		return "", nil
	case twoFactorOn(u) && !totpValid(u.TwoFactorSecret(), code, s.cfg.Now()):
		if s.minor == 41 {
			return "INCORRECT_TWO_FACTOR_CODE", nil
		}
		return "INCORRECT_TWO_FACTOR_CODE_TOTP", nil
	case s.passwordExpired(ctx, u):
		return "PASSWORD_EXPIRED", nil
	}
	s.failures.clear(name)
	return "SUCCESS", u
}

// passwordExpired follows the setting credentialsExpires, in months.
func (s *Sandbox) passwordExpired(ctx context.Context, u *metadata.User) bool {
	months, _ := s.value(ctx, "credentialsExpires").(int)
	return months > 0 && !u.PasswordChanged.IsZero() && s.cfg.Now().After(u.PasswordChanged.AddDate(0, months, 0))
}

// formLogin is the sign-in form of DHIS2 up to 2.40, which later ones still take.
func formLogin(c *call) error {
	b, err := c.body()
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return problem.BadRequest("Bad form")
	}
	status, u := c.s.signIn(c.r.Context(), c.r, form.Get("j_username"), form.Get("j_password"), form.Get("2fa_code"))
	if status != "SUCCESS" {
		c.redirect("/login/")
		return nil
	}
	if err := c.s.sessions.open(c.w, u.Username, true, false); err != nil {
		return err
	}
	c.redirect("/")
	return nil
}

func updatePassword(c *call) error {
	var in struct{ Username, OldPassword, NewPassword string }
	if err := c.readJSON(&in, "updatePassword"); err != nil {
		return err
	}
	if in.Username == "" || in.OldPassword == "" || in.NewPassword == "" {
		return problem.BadRequest("Username, old password and new password are required")
	}
	u, err := c.s.md.UserByUsername(c.r.Context(), in.Username)
	if err != nil || !c.s.md.CheckPassword(u, in.OldPassword) {
		return problem.BadRequest("Invalid username or password")
	}
	if !c.s.passwordExpired(c.r.Context(), u) {
		return problem.BadRequest("Account is not expired")
	}
	if err := c.s.md.SetPassword(c.r.Context(), u, in.NewPassword); err != nil {
		if why, ok := errors.AsType[*metadata.PasswordError](err); ok {
			return problem.BadRequest("%s", why.Message)
		}
		return err
	}
	return c.said(http.StatusOK, "Password updated")
}

// totpValid checks six digits of RFC 6238, thirty seconds either way. Secrets that
// are not 20 or 10 bytes never match (DHIS2 TwoFactorAuthUtils).
func totpValid(secret, code string, now time.Time) bool {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimRight(secret, "=")))
	if err != nil || len(key) != 20 && len(key) != 10 || len(code) != 6 {
		return false
	}
	ok := 0
	for d := int64(-1); d <= 1; d++ {
		ok |= subtle.ConstantTimeCompare([]byte(totp(key, now.Unix()/30+d)), []byte(code))
	}
	return ok == 1
}

func totp(key []byte, step int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(step))
	m := hmac.New(sha1.New, key)
	m.Write(b[:])
	sum := m.Sum(nil)
	o := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[o:])&0x7fffffff)%1_000_000)
}

func twoFactorEnabled(c *call) error {
	return c.json(http.StatusOK, twoFactorOn(c.user))
}

func twoFactorEnroll(c *call) error {
	if twoFactorOn(c.user) {
		return problem.New(http.StatusConflict, "E3022", "User has 2FA enabled already, disable 2FA before you try to enroll again")
	}
	secret := make([]byte, 20)
	if _, err := io.ReadFull(c.s.cfg.Rand, secret); err != nil {
		return fmt.Errorf("random: %w", err)
	}
	if err := c.s.md.SetTwoFactor(c.r.Context(), c.user.Username, "ENROLLING_TOTP", base32.StdEncoding.EncodeToString(secret)); err != nil {
		return err
	}
	return c.said(http.StatusOK, "The user has enrolled in TOTP 2FA, call the QR code endpoint to continue the process")
}

func twoFactorEmail(*call) error {
	return problem.New(http.StatusConflict, "E3045", "Email based 2FA is not enabled")
}

func twoFactorCode(c *call) error {
	if c.user.TwoFactor != "ENROLLING_TOTP" {
		return problem.New(http.StatusConflict, "E3047", "User is not in TOTP 2FA enrollment mode")
	}
	secret := c.user.TwoFactorSecret()
	link := "otpauth://totp/" + url.PathEscape("DHIS 2:"+c.user.Username) + "?secret=" + secret + "&issuer=DHIS%202"
	return c.json(http.StatusOK, struct {
		Secret string `json:"base32Secret"`
		Image  string `json:"base64QRImage"`
	}{secret, base64.StdEncoding.EncodeToString([]byte(link))})
}

const (
	enableSignature  = "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.security.TwoFactorController.enable(java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user.UserDetails) throws org.hisp.dhis.feedback.ForbiddenException,org.hisp.dhis.feedback.ConflictException"
	disableSignature = "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.security.TwoFactorController.disable(java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user.UserDetails) throws org.hisp.dhis.feedback.ForbiddenException,org.hisp.dhis.feedback.ConflictException"
)

func twoFactorEnable(c *call) error {
	code, err := twoFactorBody(c, enableSignature)
	if err != nil {
		return err
	}
	switch {
	case code == "":
		return problem.New(http.StatusConflict, "E3050", "2FA code can not be null or empty")
	case c.user.TwoFactor != "ENROLLING_TOTP":
		return problem.New(http.StatusConflict, "E3029", "User must call the enroll 2FA endpoint first")
	case !totpValid(c.user.TwoFactorSecret(), code, c.s.cfg.Now()):
		return problem.New(http.StatusForbidden, "E3023", "Invalid 2FA code")
	}
	if err := c.s.md.SetTwoFactor(c.r.Context(), c.user.Username, "TOTP_ENABLED", c.user.TwoFactorSecret()); err != nil {
		return err
	}
	return c.said(http.StatusOK, "2FA was enabled successfully")
}

func twoFactorDisable(c *call) error {
	code, err := twoFactorBody(c, disableSignature)
	if err != nil {
		return err
	}
	key := "2fa:" + c.user.Username
	switch {
	case !twoFactorOn(c.user):
		return problem.New(http.StatusConflict, "E3031", "User has not enabled 2FA")
	case code == "":
		return problem.New(http.StatusConflict, "E3050", "2FA code can not be null or empty")
	case c.s.failures.locked(key):
		return problem.New(http.StatusConflict, "E3042", "Too many failed disable attempts. Please try again later")
	case !totpValid(c.user.TwoFactorSecret(), code, c.s.cfg.Now()):
		c.s.failures.add(key)
		return problem.New(http.StatusForbidden, "E3023", "Invalid 2FA code")
	}
	if err := c.s.md.SetTwoFactor(c.r.Context(), c.user.Username, "NOT_ENABLED", ""); err != nil {
		return err
	}
	return c.said(http.StatusOK, "2FA was disabled successfully")
}

func twoFactorBody(c *call, signature string) (string, error) {
	var in map[string]any
	if err := c.readJSON(&in, signature); err != nil {
		return "", err
	}
	return text(in["code"]), nil
}

// loginConfig is what the sign-in page asks.
func loginConfig(c *call) error {
	ctx := c.r.Context()
	str := func(name string) string { v, _ := c.s.value(ctx, name).(string); return v }
	title := c.s.setting(ctx, "applicationTitle")
	return c.json(http.StatusOK, struct {
		APIVersion                  string `json:"apiVersion"`
		ApplicationTitle            string `json:"applicationTitle"`
		ApplicationDescription      string `json:"applicationDescription"`
		ApplicationNotification     string `json:"applicationNotification"`
		ApplicationLeftSideFooter   string `json:"applicationLeftSideFooter"`
		ApplicationRightSideFooter  string `json:"applicationRightSideFooter"`
		CountryFlag                 string `json:"countryFlag"`
		UILocale                    string `json:"uiLocale"`
		LoginPopup                  string `json:"loginPopup"`
		LoginPageLayout             string `json:"loginPageLayout"`
		LoginPageTemplate           string `json:"loginPageTemplate"`
		LoginPageLogo               string `json:"loginPageLogo"`
		SelfRegistrationEnabled     bool   `json:"selfRegistrationEnabled"`
		SelfRegistrationNoRecaptcha bool   `json:"selfRegistrationNoRecaptcha"`
		AllowAccountRecovery        bool   `json:"allowAccountRecovery"`
		UseCustomLogoFront          bool   `json:"useCustomLogoFront"`
		EmailConfigured             bool   `json:"emailConfigured"`
		MinPasswordLength           string `json:"minPasswordLength"`
		MaxPasswordLength           string `json:"maxPasswordLength"`
		OidcProviders               []any  `json:"oidcProviders"`
	}{
		APIVersion: c.s.release(), ApplicationTitle: title, CountryFlag: str("keyFlag"), UILocale: str("keyUiLocale"), LoginPageLayout: str("loginPageLayout"),
		LoginPageLogo: "/api/staticContent/logo_front.png", MinPasswordLength: fmt.Sprint(c.s.value(ctx, "minPasswordLength")), MaxPasswordLength: fmt.Sprint(c.s.value(ctx, "maxPasswordLength")), OidcProviders: []any{},
	})
}

// release is the version as DHIS2 prints it.
func (s *Sandbox) release() string {
	if s.minor == 44 {
		return "2.44-SNAPSHOT"
	}
	return s.cfg.Version + ".0"
}

func locales(c *call) error {
	type locale struct {
		Locale      string `json:"locale"`
		LanguageTag string `json:"languageTag"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}
	return c.json(http.StatusOK, []locale{{"ar", "ar", "العربية", "Arabic"}, {"en", "en", "English", "English"}, {"es", "es", "español", "Spanish"}, {"fr", "fr", "français", "French"}, {"pt", "pt", "português", "Portuguese"}})
}

func sessionsList(c *call) error {
	if err := c.need("F_PERFORM_MAINTENANCE"); err != nil {
		return err
	}
	out := []any{}
	for _, v := range c.s.sessions.list() {
		out = append(out, map[string]any{"username": v})
	}
	return c.json(http.StatusOK, out)
}

func sessionsDelete(c *call) error {
	if err := c.need("ALL"); err != nil {
		return err
	}
	if len(c.args) > 0 {
		c.s.sessions.endUser(c.args[0])
	} else {
		c.s.sessions.endAll()
	}
	return c.empty(http.StatusOK)
}

func dataValueSets(c *call) error {
	return c.message(dhis2.Error(http.StatusConflict, "At least one data set, data element, data element group must be specified", "E2001"))
}
