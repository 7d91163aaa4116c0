package sandbox

import (
	"net/http"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// What a person without an account may try (DHIS2 2.44 UserAccountController): the
// sandbox sends no mail and lets nobody register, and says so as DHIS2 does.

func userAccount(method string) string {
	return "org.hisp.dhis.webapi.controller.security.UserAccountController." + method
}

// forgotPassword is POST /api/auth/forgotPassword.
func (c *call) forgotPassword() error {
	return c.closed("public void " + userAccount("forgotPassword(org.hisp.dhis.webapi.controller.security.ForgotPasswordRequest) throws org.hisp.dhis.feedback.HiddenNotFoundException,org.hisp.dhis.feedback.ConflictException,org.hisp.dhis.feedback.ForbiddenException"))
}

// passwordReset is POST /api/auth/passwordReset.
func (c *call) passwordReset() error {
	return c.closed("public void " + userAccount("resetPassword(org.hisp.dhis.webapi.controller.security.ResetPasswordRequest) throws org.hisp.dhis.feedback.ConflictException,org.hisp.dhis.feedback.BadRequestException"))
}

func (c *call) closed(signature string) error {
	if _, err := c.object(javaStringMap, signature); err != nil {
		return err
	}
	return problem.Conflict("Account recovery is not enabled")
}

// register is POST /api/auth/registration, inviteAnswer POST /api/auth/invite.
func (c *call) register() error { return c.noPuzzle("registerUser") }

func (c *call) inviteAnswer() error { return c.noPuzzle("invite") }

func (c *call) noPuzzle(method string) error {
	signature := "public org.hisp.dhis.dxf2.webmessage.WebMessage " + userAccount(method+"(org.hisp.dhis.common.auth.UserRegistrationParams,jakarta.servlet.http.HttpServletRequest) throws org.hisp.dhis.feedback.BadRequestException,java.io.IOException")
	if _, err := c.object(javaStringMap, signature); err != nil {
		return err
	}
	return problem.New(http.StatusBadRequest, "E1003", "Recaptcha validation failed.")
}

// recovery is POST /api/account/recovery?username=.
func (c *call) recovery() error {
	if err := c.query.required("username"); err != nil {
		return err
	}
	return problem.Plain409("Account recovery is not enabled")
}

// restore is POST /api/account/restore?token=&password=.
func (c *call) restore() error {
	if err := c.query.required("token", "password"); err != nil {
		return err
	}
	if len(c.query.get("token")) < 2 {
		return problem.BadRequest("Input byte[] should at least have 2 bytes for base64 bytes")
	}
	return problem.Plain409("Account recovery is not enabled")
}

// verifyEmail is GET /api/account/verifyEmail?token=: no token was ever sent.
func (c *call) verifyEmail() error {
	return c.redirect(http.StatusFound, baseURL(c.r)+"/login/#/email-verification-failure")
}

// sendEmailVerification needs an address and a mail server.
func (c *call) sendEmailVerification() error {
	if c.user.Email == "" {
		return problem.Conflict("User has no email set")
	}
	return problem.Conflict("System has no email server configured")
}

// linkedAccounts is GET /api/account/linkedAccounts.
func (c *call) linkedAccounts() error {
	return c.json(http.StatusOK, map[string]any{"users": []any{}}, noStore)
}
