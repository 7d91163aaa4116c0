package sandbox

import (
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
	"github.com/d2gate/d2gate/internal/sandbox/qr"
)

// States of a user's second factor (DHIS2 TwoFactorType).
const (
	notEnabled    = "NOT_ENABLED"
	enrollingTOTP = "ENROLLING_TOTP"
	totpEnabled   = "TOTP_ENABLED"
)

// codeSignature is of the method whose body is missing.
func codeSignature(method string) string {
	return "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.security.TwoFactorController." + method + "(java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user.UserDetails) throws org.hisp.dhis.feedback.ForbiddenException,org.hisp.dhis.feedback.ConflictException"
}

func conflict(code, message string) error {
	return problem.New(http.StatusConflict, code, "%s", message)
}

// enrollTOTP is POST /api/2fa/enrollTOTP2FA: a new secret, not yet in use.
func (c *call) enrollTOTP() error {
	if c.user.TwoFactor == totpEnabled {
		return conflict("E3022", "User has 2FA enabled already, disable 2FA before you try to enroll again")
	}
	secret := make([]byte, 20)
	if _, err := io.ReadFull(c.cfg.Rand, secret); err != nil {
		return fmt.Errorf("make secret: %w", err)
	}
	if err := c.meta.SetTwoFactor(c.r.Context(), c.user.Username, enrollingTOTP, base32.StdEncoding.EncodeToString(secret)); err != nil {
		return err
	}
	return c.done(http.StatusOK, "The user has enrolled in TOTP 2FA, call the QR code endpoint to continue the process")
}

// enrollEmail is refused: a sandbox sends no mail.
func (c *call) enrollEmail() error { return conflict("E3045", "Email based 2FA is not enabled") }

// qrCode is GET /api/2fa/qrCodeJson: the secret, and the picture for a phone.
func (c *call) qrCode() error {
	png, err := c.qrPicture()
	if err != nil {
		return err
	}
	return c.taggedJSON(map[string]string{
		"base32Secret": c.user.TwoFactorSecret(), "base64QRImage": base64.StdEncoding.EncodeToString(png),
	})
}

// qrImage is GET /api/2fa/qrCodePng.
func (c *call) qrImage() error {
	png, err := c.qrPicture()
	if err != nil {
		return err
	}
	return c.text(http.StatusOK, "image/png", string(png))
}

func (c *call) qrPicture() ([]byte, error) {
	if c.user.TwoFactor != enrollingTOTP {
		return nil, conflict("E3047", "User is not in TOTP 2FA enrollment mode")
	}
	app := c.settings.text("applicationTitle")
	uri := "otpauth://totp/" + url.PathEscape(app+":"+c.user.Username) + "?" + url.Values{"secret": {c.user.TwoFactorSecret()}, "issuer": {app}}.Encode()
	return qr.PNG(strings.ReplaceAll(uri, "+", "%20"))
}

// enableTwoFactor is POST /api/2fa/enable (or enabled): a right code turns it on.
func (c *call) enableTwoFactor() error {
	m, err := c.object(javaStringMap, codeSignature("enable"))
	if err != nil {
		return err
	}
	code := m.text("code")
	switch {
	case code == "":
		return conflict("E3050", "2FA code can not be null or empty")
	case c.user.TwoFactor != enrollingTOTP:
		return conflict("E3029", "User must start 2FA enrollment first")
	case !totpMatches(c.user.TwoFactorSecret(), code, c.cfg.Now()):
		return problem.New(http.StatusForbidden, "E3023", "Invalid 2FA code")
	}
	if err := c.meta.SetTwoFactor(c.r.Context(), c.user.Username, totpEnabled, c.user.TwoFactorSecret()); err != nil {
		return err
	}
	return c.done(http.StatusOK, "2FA was enabled successfully")
}

// disableTwoFactor is POST /api/2fa/disable: a right code turns it off, four
// wrong ones close the door for a while.
func (c *call) disableTwoFactor() error {
	m, err := c.object(javaStringMap, codeSignature("disable"))
	if err != nil {
		return err
	}
	attempts := "2fa disable " + c.user.Username
	switch {
	case c.user.TwoFactor != totpEnabled:
		return conflict("E3031", "User has not enabled 2FA")
	case m.text("code") == "":
		return conflict("E3050", "2FA code can not be null or empty")
	case c.failures.locked(attempts):
		return conflict("E3042", "Too many failed disable attempts. Please try again later")
	case !totpMatches(c.user.TwoFactorSecret(), m.text("code"), c.cfg.Now()):
		c.failures.add(attempts)
		return problem.New(http.StatusForbidden, "E3023", "Invalid 2FA code")
	}
	c.failures.clear(attempts)
	if err := c.meta.SetTwoFactor(c.r.Context(), c.user.Username, notEnabled, ""); err != nil {
		return err
	}
	return c.done(http.StatusOK, "2FA was disabled successfully")
}

// twoFactorEnabled is GET /api/2fa/enabled: a bare boolean.
func (c *call) twoFactorEnabled() error {
	return c.json(http.StatusOK, c.user.TwoFactor == totpEnabled, noStore)
}

// disableFor is POST /api/users/{id}/twoFA/disabled: by those who may manage the
// user, never for oneself.
func (c *call) disableFor() error {
	u, err := c.meta.UserByUID(c.r.Context(), c.params[0])
	if errors.Is(err, metadata.ErrNoUser) {
		return problem.New(http.StatusNotFound, "E6201", "User account not found")
	}
	if err != nil {
		return err
	}
	if u.UID == c.user.UID || !c.user.HasAny("F_USER_ADD") {
		return problem.New(http.StatusForbidden, "E3021", "Not allowed to disable 2FA for current user")
	}
	if err := c.meta.SetTwoFactor(c.r.Context(), u.Username, notEnabled, ""); err != nil {
		return err
	}
	return c.done(http.StatusOK, "")
}
