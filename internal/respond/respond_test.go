package respond_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

func refuse(t *testing.T, r *http.Request, f *fault.Fault, strict bool) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	respond.Refuse(w, r, f, respond.Options{Strict: strict, RequestID: "01J", PublicURL: "https://gw.example.org"})
	return w
}

func get(target string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestRefusalIsDHIS2MessageAndGatewayObject(t *testing.T) {
	w := refuse(t, get("/api/me"), fault.New(fault.ConstraintMethod, "").WithScheme(fault.ApiToken).WithDetail("DELETE not in GET"), false)
	require.Equal(t, 401, w.Code)
	require.Equal(t, `{"httpStatus":"Unauthorized","httpStatusCode":401,"status":"ERROR",`+
		`"message":"Failed to authenticate API token, request http method is not allowed.",`+
		`"gateway":{"reason":"constraint_method","requestId":"01J","help":"https://gw.example.org/d2gate/help/constraint_method"}}`, w.Body.String())
	require.Equal(t, "constraint_method", w.Header().Get("X-Gateway-Reason"))
	require.Equal(t, "ApiToken", w.Header().Get("WWW-Authenticate"))
	require.Equal(t, "no-cache, private", w.Header().Get("Cache-Control"))
	require.Equal(t, "01J", w.Header().Get("X-Request-Id"))
}

func TestStrictConstraintFailureIs403(t *testing.T) {
	require.Equal(t, 403, refuse(t, get("/api/me"), fault.New(fault.ConstraintAddress, ""), true).Code)
	require.Equal(t, 401, refuse(t, get("/api/me"), fault.New(fault.TokenExpired, ""), true).Code)
}

func TestEveryApiTokenRefusalChallengesWithoutParameters(t *testing.T) {
	for _, reason := range fault.Reasons() {
		w := refuse(t, get("/api/me"), fault.New(reason, "").WithScheme(fault.ApiToken), false)
		require.Equal(t, []string{"ApiToken"}, w.Header().Values("WWW-Authenticate"), reason)
	}
}

func TestMissingCredentialHasNoChallenge(t *testing.T) {
	w := refuse(t, get("/api/me"), fault.New(fault.CredentialMissing, ""), false)
	require.Empty(t, w.Header().Values("WWW-Authenticate"))
	require.Contains(t, w.Body.String(), `"message":"Unauthorized"`)
}

func TestRefusedBearerHasTheBodyOfRFC6749(t *testing.T) {
	w := refuse(t, get("/api/me"), fault.New(fault.TokenUnknown, `Invalid "access" token`).WithScheme(fault.Bearer), false)
	require.Equal(t, `{"error":"invalid_token","error_description":"Invalid \"access\" token",`+
		`"gateway":{"reason":"token_unknown","requestId":"01J","help":"https://gw.example.org/d2gate/help/token_unknown"}}`, w.Body.String())
	require.Equal(t, `Bearer error="invalid_token", error_description="Invalid 'access' token"`, w.Header().Get("WWW-Authenticate"))
}

func TestRetryAfterIsWholeSecondsRoundedUp(t *testing.T) {
	for _, tt := range []struct {
		reason fault.Reason
		after  time.Duration
		want   string
	}{
		{fault.RateLimited, 1500 * time.Millisecond, "2"},
		{fault.RateLimited, time.Millisecond, "1"},
		{fault.LoginThrottled, 900 * time.Second, "900"},
		{fault.Overloaded, 0, "1"},
		{fault.StoreUnavailable, 0, "1"},
		{fault.PolicyRefused, 0, ""},
	} {
		w := refuse(t, get("/api/me"), fault.New(tt.reason, "").WithRetryAfter(tt.after), false)
		require.Equal(t, tt.want, w.Header().Get("Retry-After"), tt.reason)
	}
}

func TestXMLBySuffixFormatOrAccept(t *testing.T) {
	for _, tt := range []struct {
		name string
		req  *http.Request
		xml  bool
	}{
		{"nothing asked is JSON", get("/api/me"), false},
		{"Accept", get("/api/me", "Accept", "application/xml"), true},
		{"Accept text/xml", get("/api/me", "Accept", "text/xml"), true},
		{"JSON of the same weight wins", get("/api/me", "Accept", "application/xml, application/json"), false},
		{"weights count", get("/api/me", "Accept", "application/json;q=0.5, application/xml"), true},
		{"weight 0 is a no", get("/api/me", "Accept", "application/xml;q=0"), false},
		{"a browser does not ask for XML", get("/api/me", "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), false},
		{"suffix", get("/api/metadata.xml"), true},
		{"suffix before Accept", get("/api/dataElements.json", "Accept", "application/xml"), false},
		{"packed suffix", get("/api/41/metadata.xml.gz"), true},
		{"format", get("/api/me?format=xml"), true},
		{"any range is JSON", get("/api/me", "Accept", "*/*"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := refuse(t, tt.req, fault.New(fault.PolicyRefused, "a < b"), false)
			isXML := strings.HasPrefix(w.Header().Get("Content-Type"), "application/xml")
			require.Equal(t, tt.xml, isXML)
			if isXML {
				require.Equal(t, `<webMessage xmlns="http://dhis2.org/schema/dxf/2.0" httpStatus="Forbidden" httpStatusCode="403" status="ERROR">`+
					`<message>a &lt; b</message><gateway><reason>policy_refused</reason><requestId>01J</requestId>`+
					`<help>https://gw.example.org/d2gate/help/policy_refused</help></gateway></webMessage>`, w.Body.String())
				require.NoError(t, xml.Unmarshal(w.Body.Bytes(), new(struct{})))
			}
		})
	}
}

func TestHeadHasNoBody(t *testing.T) {
	r := httptest.NewRequest(http.MethodHead, "/api/me", nil)
	w := refuse(t, r, fault.New(fault.CredentialMissing, ""), false)
	require.Equal(t, 401, w.Code)
	require.Zero(t, w.Body.Len())
	require.NotEmpty(t, w.Header().Get("Content-Length"))
}

func TestMethodRefusedNamesTheMethods(t *testing.T) {
	w := refuse(t, get("/api/me"), fault.New(fault.MethodRefused, ""), false)
	require.Equal(t, "HEAD, GET, POST, PUT, PATCH, DELETE, OPTIONS", w.Header().Get("Allow"))
}

func TestMessageKeepsHTMLSigns(t *testing.T) {
	w := httptest.NewRecorder()
	respond.Message(w, get("/api/x"), dhis2.NotFound("<b> & 'q'"))
	require.Equal(t, `{"httpStatus":"Not Found","httpStatusCode":404,"status":"ERROR","message":"<b> & 'q'","errorCode":"E1005"}`, w.Body.String())
}

func TestEveryReasonHasAHelpPageWithoutScript(t *testing.T) {
	for _, reason := range fault.Reasons() {
		w := httptest.NewRecorder()
		respond.Help(w, get("/d2gate/help/"+string(reason)), string(reason))
		require.Equal(t, 200, w.Code)
		page := w.Body.String()
		require.Contains(t, page, "<h1>"+string(reason)+"</h1>")
		require.NotContains(t, page, "<script")
		require.NotContains(t, page, "http://")
		require.NotContains(t, page, "https://")
		_, rest, _ := strings.Cut(page, "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
}

func TestHelpIsJSONWhenAsked(t *testing.T) {
	w := httptest.NewRecorder()
	respond.Help(w, get("/d2gate/help/token_expired", "Accept", "application/json"), "token_expired")
	var got map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.Equal(t, "token_expired", got["reason"])
	require.EqualValues(t, 401, got["httpStatusCode"])
	require.NotEmpty(t, got["means"])
	require.NotEmpty(t, got["whatToDo"])
}

func TestUnknownReasonIsNotEchoed(t *testing.T) {
	w := httptest.NewRecorder()
	respond.Help(w, get("/d2gate/help/x"), "<img src=x>")
	require.Equal(t, 404, w.Code)
	require.NotContains(t, w.Body.String(), "img")
}
