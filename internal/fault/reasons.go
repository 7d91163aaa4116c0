package fault

import (
	"maps"
	"net/http"
	"slices"
)

// Reason names one way to refuse. The same text stands in the body, the
// X-Gateway-Reason header, the audit event, the metric label and explain.
type Reason string

// The reasons, in the order of a request's way.
const (
	TargetAmbiguous         Reason = "target_ambiguous"
	RequestMalformed        Reason = "request_malformed"
	MethodRefused           Reason = "method_refused"
	BodyTooLarge            Reason = "body_too_large"
	HeaderTooLarge          Reason = "header_too_large"
	Overloaded              Reason = "overloaded"
	CredentialMissing       Reason = "credential_missing"
	CredentialMultiple      Reason = "credential_multiple"
	LoginFailed             Reason = "login_failed"
	LoginThrottled          Reason = "login_throttled"
	TokenMalformed          Reason = "token_malformed"
	TokenChecksum           Reason = "token_checksum"
	TokenUnknown            Reason = "token_unknown"
	TokenExpired            Reason = "token_expired"
	TokenOwnerDisabled      Reason = "token_owner_disabled"
	ConstraintAddress       Reason = "constraint_address"
	ConstraintMethod        Reason = "constraint_method"
	ConstraintReferrer      Reason = "constraint_referrer"
	ConstraintScope         Reason = "constraint_scope"
	PolicyRefused           Reason = "policy_refused"
	RateLimited             Reason = "rate_limited"
	UpstreamUnreachable     Reason = "upstream_unreachable"
	UpstreamTimeout         Reason = "upstream_timeout"
	UpstreamRefusedIdentity Reason = "upstream_refused_identity"
	StoreUnavailable        Reason = "store_unavailable"
	AuditUnavailable        Reason = "audit_unavailable"
)

// entry is what a reason means to everybody. Code is the error code of RFC 6750
// 3.1 for refused bearers, "" where none applies.
type entry struct {
	status  int
	code    string
	message string
	means   string // help page: what it means
	todo    string // help page: what to do
}

var table = map[Reason]entry{
	TargetAmbiguous: {http.StatusBadRequest, "invalid_request", "The request target is ambiguous.",
		"The path could be read in two ways: it holds dot segments, an empty segment, a backslash, a semicolon, a control character or one of their encoded forms, or it names another host.",
		"Send the plain path of the resource. Keys of the dataStore that hold such characters cannot be reached through the gateway."},
	RequestMalformed: {http.StatusBadRequest, "invalid_request", "The request is malformed.",
		"The body broke off or could not be read, or the request asked to switch protocols.",
		"Send the request again with a complete body, and without an Upgrade header."},
	MethodRefused: {http.StatusMethodNotAllowed, "invalid_request", "The request method is not allowed.",
		"Only HEAD, GET, POST, PUT, PATCH, DELETE and OPTIONS pass the gateway.",
		"Use one of these methods."},
	BodyTooLarge: {http.StatusRequestEntityTooLarge, "invalid_request", "The request body is too large.",
		"The body is over the limit of the route, or of the whole gateway.",
		"Send less at a time, or ask the operator to raise body of the route."},
	HeaderTooLarge: {http.StatusRequestHeaderFieldsTooLarge, "invalid_request", "The request header or target is too large.",
		"The header lines together, or the path and query, are over the limit.",
		"Shorten the query, or send fewer and smaller headers and cookies."},
	Overloaded: {http.StatusServiceUnavailable, "", "The gateway is busy.",
		"As many requests as the gateway serves at once are already under way.",
		"Try again after the time in Retry-After."},
	CredentialMissing: {http.StatusUnauthorized, "", "Unauthorized",
		"The request carries no credential, and what it asks for needs one.",
		"Send Authorization: ApiToken, Bearer or Basic, whichever the route takes."},
	CredentialMultiple: {http.StatusBadRequest, "invalid_request", "More than one Authorization header was sent.",
		"Two Authorization lines arrived; which of them counts would be a guess.",
		"Send one Authorization header."},
	LoginFailed: {http.StatusUnauthorized, "", "Unauthorized",
		"DHIS2 refused the user name and password, or the account cannot sign in this way.",
		"Check both. An account with two-factor sign-in cannot use Basic: make a personal access token instead."},
	LoginThrottled: {http.StatusTooManyRequests, "", "Too many failed sign-ins. Try again later.",
		"There were too many wrong passwords for this account or from this address. The gateway stops before DHIS2 locks the account.",
		"Wait for the time in Retry-After. Tokens and live sessions go on working."},
	TokenMalformed: {http.StatusBadRequest, "invalid_request", "Api token is malformed",
		"The Authorization header is not of the form ApiToken followed by one blank and the token, or the text is no token.",
		"Copy the whole token again: d2pat_ and 42 characters, or d2p_ and 50."},
	TokenChecksum: {http.StatusBadRequest, "invalid_request", "Checksum validation failed",
		"The token's checksum does not fit its other characters: it was cut off or mistyped.",
		"Copy the whole token again."},
	TokenUnknown: {http.StatusUnauthorized, "invalid_token", "The API token does not exists",
		"The token is well formed, but no such token is in force: it was never issued here, or it was revoked.",
		"Make a new token, or import the tokens of the DHIS2 server."},
	TokenExpired: {http.StatusUnauthorized, "invalid_token", "Failed to authenticate API token, token has expired.",
		"The token's time is over.",
		"Make a new token or rotate this one."},
	TokenOwnerDisabled: {http.StatusUnauthorized, "invalid_token", "The API token is disabled, locked or 2FA is enabled.",
		"The account that owns the token is disabled, locked, expired or gone.",
		"Ask the DHIS2 administrator to look at the account."},
	ConstraintAddress: {http.StatusUnauthorized, "invalid_token", "Failed to authenticate API token, request ip address is not allowed.",
		"The token may be used from certain addresses only, and the request came from another.",
		"Use it from an allowed address, or let the owner edit the token's addresses."},
	ConstraintMethod: {http.StatusUnauthorized, "invalid_token", "Failed to authenticate API token, request http method is not allowed.",
		"The token may be used with certain methods only. HEAD is not implied by GET.",
		"Use an allowed method, or let the owner edit the token's methods."},
	ConstraintReferrer: {http.StatusUnauthorized, "invalid_token", "Failed to authenticate API token, request http referrer is missing or not allowed.",
		"The token may be used from certain pages only, and the request's Referer (or Origin) is missing or another.",
		"Let the page send its origin (Referrer-Policy: origin or laxer), or let the owner edit the token's referrers."},
	ConstraintScope: {http.StatusUnauthorized, "insufficient_scope", "Failed to authenticate API token, request is outside the token's scopes.",
		"The token is limited to certain resources, and the request is outside them.",
		"Ask for less, or let the owner edit the token's scopes."},
	PolicyRefused: {http.StatusForbidden, "insufficient_scope", "The gateway's policy does not allow this request.",
		"No route lets the request through, or the matching route demands something that the request does not bring.",
		"Ask the operator: d2gate explain with the request id shows the route and the demand that failed."},
	RateLimited: {http.StatusTooManyRequests, "", "Too many requests. Try again later.",
		"The token, the user, the address or the route is over its rate or its number of requests at a time.",
		"Wait for the time in Retry-After."},
	UpstreamUnreachable: {http.StatusBadGateway, "", "DHIS2 cannot be reached.",
		"The gateway could not connect to DHIS2, or the connection broke off.",
		"Try again; if it lasts, the operator should look at upstream.url and at DHIS2."},
	UpstreamTimeout: {http.StatusGatewayTimeout, "", "DHIS2 did not answer in time.",
		"DHIS2 took longer than the route allows.",
		"Ask for less at a time, or let the operator raise timeout of the route."},
	UpstreamRefusedIdentity: {http.StatusBadGateway, "", "DHIS2 refused the gateway's sign-in.",
		"DHIS2 does not accept the identity under which the gateway forwards.",
		"The operator should compare dhis.conf with what d2gate dhis2 setup prints, and read the log of DHIS2."},
	StoreUnavailable: {http.StatusServiceUnavailable, "", "The gateway cannot check credentials at the moment.",
		"The token store does not answer, so no token can be judged.",
		"Try again; if it lasts, the operator should look at store.url."},
	AuditUnavailable: {http.StatusServiceUnavailable, "", "The gateway cannot record the request.",
		"The audit log does not take lines, and what cannot be recorded is not allowed.",
		"The operator should look at the disk and at audit.sinks."},
}

// Status is the HTTP status of a refusal for this reason. Strict gives 403 for a
// failed constraint (configuration key constraint_failure) instead of DHIS2's 401.
func (r Reason) Status(strict bool) int {
	if strict {
		switch r {
		case ConstraintAddress, ConstraintMethod, ConstraintReferrer, ConstraintScope:
			return http.StatusForbidden
		}
	}
	if e, ok := table[r]; ok {
		return e.status
	}
	return http.StatusInternalServerError
}

// Code is the error code of RFC 6750 3.1, "" if none applies.
func (r Reason) Code() string { return table[r].code }

// Message is what the caller hears unless the fault has words of its own.
func (r Reason) Message() string { return table[r].message }

// Help returns what the reason means and what to do about it.
func (r Reason) Help() (means, todo string) { return table[r].means, table[r].todo }

// Known reports whether r is one of the reasons.
func (r Reason) Known() bool { _, ok := table[r]; return ok }

// Reasons lists all reasons by name.
func Reasons() []Reason { return slices.Sorted(maps.Keys(table)) }
