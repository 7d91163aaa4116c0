package sandbox_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox"
)

// login signs in and returns the cookie.
func (b *box) login(user, password string) string {
	b.t.Helper()
	a := b.ask("POST", "/api/auth/login", fmt.Sprintf(`{"username":%q,"password":%q}`, user, password))
	require.Equal(b.t, 200, a.status)
	require.JSONEq(b.t, `{"loginStatus":"SUCCESS","redirectUrl":"/"}`, a.body)
	require.NotEmpty(b.t, a.sessionCookie())
	return a.sessionCookie()
}

func TestACookieOfALoginSignsInUntilItHasBeenIdleForAnHour(t *testing.T) {
	b := open(t, sandbox.Config{})
	cookie := b.login("nurse", "Nurse-pass-1")
	for range 3 {
		b.clock.at = b.clock.at.Add(50 * time.Minute)
		require.Equal(t, 200, b.ask("GET", "/api/system/id", "", "Cookie: "+cookie).status)
	}
	b.clock.at = b.clock.at.Add(61 * time.Minute)
	require.Equal(t, 302, b.ask("GET", "/api/system/id", "", "Cookie: "+cookie).status)
}

func TestLogoutEndsTheSession(t *testing.T) {
	b := open(t, sandbox.Config{})
	cookie := b.login("nurse", "Nurse-pass-1")
	a := b.ask("GET", "/dhis-web-commons-security/logout.action", "", "Cookie: "+cookie)
	require.Equal(t, 302, a.status)
	require.Equal(t, "/", a.header.Get("Location"))
	require.Equal(t, "/login/", b.ask("GET", "/api/me", "", "Cookie: "+cookie).header.Get("Location"))
}

func TestASessionEndedByOthersIsToldOnce(t *testing.T) {
	b := open(t, sandbox.Config{})
	cookie := b.login("nurse", "Nurse-pass-1")
	require.Equal(t, 403, b.as(asNurse, "DELETE", "/api/sessions/nurse", "").status)
	require.Equal(t, 200, b.as(asAdmin, "DELETE", "/api/sessions/nurse", "").status)
	a := b.ask("GET", "/api/me", "", "Cookie: "+cookie, "X-Requested-With: XMLHttpRequest")
	require.Equal(t, "/dhis-web-commons-security/logout.action", a.header.Get("Location"))
	require.Equal(t, 401, b.ask("GET", "/api/me", "", "Cookie: "+cookie, "X-Requested-With: XMLHttpRequest").status)
}

func TestTheEleventhSignInEndsTheOneThatWasIdleLongest(t *testing.T) {
	b := open(t, sandbox.Config{})
	var cookies []string
	for range 11 {
		b.clock.at = b.clock.at.Add(time.Second)
		cookies = append(cookies, b.login("nurse", "Nurse-pass-1"))
	}
	require.Equal(t, 302, b.ask("GET", "/api/system/id", "", "Cookie: "+cookies[0]).status)
	require.Equal(t, 200, b.ask("GET", "/api/system/id", "", "Cookie: "+cookies[1]).status)
}

func TestBasicOpensASessionForARequestWithoutOneAndAGoodSessionGoesBeforeABadPassword(t *testing.T) {
	b := open(t, sandbox.Config{})
	a := b.as(asNurse, "GET", "/api/system/id", "")
	cookie := a.sessionCookie()
	require.Regexp(t, `^JSESSIONID=[0-9A-F]{32}$`, cookie)
	require.EqualValues(t, 1, b.s.SessionsOpened())
	a = b.as(basic("nurse", "wrong"), "GET", "/api/system/id", "", "Cookie: "+cookie)
	require.Equal(t, 200, a.status)
	require.Empty(t, a.sessionCookie())
	require.EqualValues(t, 1, b.s.SessionsOpened())
	require.Equal(t, 401, b.as(basic("admin", "wrong"), "GET", "/api/system/id", "", "Cookie: "+cookie).status, "another user's password is looked at")
}

func TestFourFailuresLockANameForAQuarterOfAnHour(t *testing.T) {
	b := open(t, sandbox.Config{})
	wrong := func(n int) {
		for range n {
			require.Equal(t, "Unauthorized", b.as(basic("nurse", "wrong"), "GET", "/api/me", "").message())
		}
	}
	wrong(6)
	require.Equal(t, 200, b.as(asNurse, "GET", "/api/system/id", "").status, "the lock-out is off until it is asked for")
	require.Equal(t, 200, b.as(asAdmin, "POST", "/api/systemSettings/keyLockMultipleFailedLogins?value=true", "").status)
	wrong(3)
	require.Equal(t, 200, b.as(asNurse, "GET", "/api/system/id", "").status, "a right password clears the count")
	wrong(4)
	require.Equal(t, "Account locked", b.as(asNurse, "GET", "/api/system/id", "").message())
	require.JSONEq(t, `{"loginStatus":"ACCOUNT_LOCKED"}`, b.ask("POST", "/api/auth/login", `{"username":"nurse","password":"Nurse-pass-1"}`).body)
	b.clock.at = b.clock.at.Add(16 * time.Minute)
	require.Equal(t, 200, b.as(asNurse, "GET", "/api/system/id", "").status)
}

func TestWrongCredentialsAtTheLoginAre401(t *testing.T) {
	b := open(t, sandbox.Config{})
	for _, body := range []string{`{}`, `{"username":"nurse"}`, `{"username":"nurse","password":"x"}`, `{"username":"NURSE","password":"Nurse-pass-1"}`, `{"username":5,"password":"x"}`} {
		a := b.ask("POST", "/api/auth/login", body)
		require.Equal(t, 401, a.status, body)
		require.Equal(t, "Bad credentials", a.message())
		require.Empty(t, a.sessionCookie())
	}
	require.Equal(t, 302, b.ask("POST", "/api/auth/login", `{}`, "Accept: text/html").status)
	require.Equal(t, 405, b.ask("GET", "/api/auth/login", "").status)
}

func TestASecondFactorIsEnrolledUsedAndTakenOff(t *testing.T) {
	b := open(t, sandbox.Config{})
	require.Equal(t, 409, b.as(asNurse, "GET", "/api/2fa/qrCodeJson", "").status)
	require.Equal(t, "User must start 2FA enrollment first", b.as(asNurse, "POST", "/api/2fa/enable", `{"code":"123456"}`).message())
	require.Equal(t, 200, b.as(asNurse, "POST", "/api/2fa/enrollTOTP2FA", "").status)
	a := b.as(asNurse, "GET", "/api/2fa/qrCodeJson", "")
	secret := regexp.MustCompile(`"base32Secret":"([A-Z2-7]{32})"`).FindStringSubmatch(a.body)
	require.NotNil(t, secret, a.body)
	code := totp(t, secret[1], b.clock.at)
	require.Equal(t, 403, b.as(asNurse, "POST", "/api/2fa/enable", `{"code":"abc"}`).status)
	require.Equal(t, "2FA was enabled successfully", b.as(asNurse, "POST", "/api/2fa/enable", `{"code":"`+code+`"}`).message())

	require.Equal(t, 401, b.as(asNurse, "GET", "/api/me", "").status, "Basic has no second factor")
	a = b.ask("POST", "/api/auth/login", `{"username":"nurse","password":"Nurse-pass-1"}`)
	require.JSONEq(t, `{"loginStatus":"INCORRECT_TWO_FACTOR_CODE_TOTP"}`, a.body)
	require.Empty(t, a.sessionCookie())
	a = b.ask("POST", "/api/auth/login", `{"username":"nurse","password":"Nurse-pass-1","twoFactorCode":"`+code+`"}`)
	cookie := "Cookie: " + a.sessionCookie()
	require.Equal(t, "true", b.ask("GET", "/api/2fa/enabled", "", cookie).body)
	for range 4 {
		require.Equal(t, "Invalid 2FA code", b.ask("POST", "/api/2fa/disable", `{"code":"333"}`, cookie).message())
	}
	require.Equal(t, "Too many failed disable attempts. Please try again later", b.ask("POST", "/api/2fa/disable", `{"code":"`+code+`"}`, cookie).message())
	b.clock.at = b.clock.at.Add(16 * time.Minute)
	code = totp(t, secret[1], b.clock.at)
	require.Equal(t, "2FA was disabled successfully", b.ask("POST", "/api/2fa/disable", `{"code":"`+code+`"}`, cookie).message())
	require.Equal(t, 200, b.as(asNurse, "GET", "/api/system/id", "").status)
}

func TestAnExpiredPasswordCanBeReplacedWithoutSigningIn(t *testing.T) {
	b := open(t, sandbox.Config{})
	change := func(body string) answer { return b.ask("POST", "/api/auth/updatePassword", body) }
	require.Equal(t, "Account is not expired", change(`{"username":"nurse","oldPassword":"Nurse-pass-1","newPassword":"Efgh-5678"}`).message())
	require.Equal(t, 200, b.as(asAdmin, "POST", "/api/systemSettings/credentialsExpires?value=3", "").status)
	b.clock.at = b.clock.at.AddDate(0, 4, 0)
	require.JSONEq(t, `{"loginStatus":"PASSWORD_EXPIRED"}`, b.ask("POST", "/api/auth/login", `{"username":"nurse","password":"Nurse-pass-1"}`).body)
	require.Equal(t, 401, b.as(asNurse, "GET", "/api/me", "").status)
	require.Equal(t, "Username, old password and new password are required", change(`{"username":"nurse"}`).message())
	require.Equal(t, "Invalid username or password", change(`{"username":"nurse","oldPassword":"x","newPassword":"Efgh-5678"}`).message())
	require.Equal(t, "Password must have at least 8, and at most 72 characters", change(`{"username":"nurse","oldPassword":"Nurse-pass-1","newPassword":"short"}`).message())
	require.Equal(t, "Password updated", change(`{"username":"nurse","oldPassword":"Nurse-pass-1","newPassword":"Efgh-5678"}`).message())
	require.Equal(t, 200, b.as(basic("nurse", "Efgh-5678"), "GET", "/api/system/id", "").status)
}

func TestTheFormOfOlderGenerationsSignsIn(t *testing.T) {
	b := open(t, sandbox.Config{Version: "2.40"})
	form := func(body string) answer {
		return b.ask("POST", "/dhis-web-commons-security/login.action", body, "Content-Type: application/x-www-form-urlencoded")
	}
	a := form("j_username=nurse&j_password=x")
	require.Equal(t, "/dhis-web-commons/security/login.action?failed=true", a.header.Get("Location"))
	require.Empty(t, a.sessionCookie())
	a = form("j_username=nurse&j_password=Nurse-pass-1")
	require.Equal(t, 302, a.status)
	require.Equal(t, 200, b.ask("GET", "/api/system/id", "", "Cookie: "+a.sessionCookie()).status)
	require.Equal(t, 404, b.ask("POST", "/api/auth/login", "{}").status)
}
