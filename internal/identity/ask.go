package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// Bounds of what d2gate reads when it asks on its own behalf.
const (
	maxAnswer      = 1 << 20 // bytes of a body
	maxMessage     = 200     // bytes of DHIS2's words that are passed on
	defaultTimeout = 30 * time.Second
)

// Server is the DHIS2 that d2gate asks on its own behalf.
type Server struct {
	URL       *url.URL          // required; may have a path
	Transport http.RoundTripper // nil means one of its own with sane limits
	Timeout   time.Duration     // for a whole question; 0 means 30 s
}

// NewTransport makes a transport for questions to DHIS2: no proxy of the
// environment, headers of at most 1 MiB, a few idle connections.
func NewTransport(connect time.Duration) *http.Transport {
	if connect <= 0 {
		connect = 5 * time.Second
	}
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connect}).DialContext,
		TLSHandshakeTimeout:    connect,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

func (s *Server) check(who string) error {
	if s.URL == nil || s.URL.Host == "" {
		return fmt.Errorf("identity: %s: Server.URL is required", who)
	}
	if s.Transport == nil {
		s.Transport = NewTransport(0)
	}
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	return nil
}

// request makes a request for a path below the server's URL, e.g. "/api/me".
func (s *Server) request(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Request, error) {
	u := s.URL.JoinPath(path)
	u.RawQuery = query.Encode()
	var rd io.Reader
	if body != nil {
		rd = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), rd)
	if err != nil {
		return nil, fault.Wrap(fault.UpstreamUnreachable, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "d2gate")
	return req, nil
}

// answer is a response read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends req once, follows nothing, and reads at most maxAnswer bytes.
// Errors: upstream_timeout, upstream_unreachable.
func (s *Server) send(req *http.Request) (*answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), s.Timeout)
	defer cancel()
	resp, err := s.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, unreachable(req, err)
	}
	defer resp.Body.Close()
	return readAnswer(req, resp)
}

func readAnswer(req *http.Request, resp *http.Response) (*answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, unreachable(req, err)
	}
	if len(body) > maxAnswer {
		return nil, fault.New(fault.UpstreamUnreachable, "").
			WithDetail(fmt.Sprintf("the answer to %s %s is over %d bytes", req.Method, req.URL.Path, maxAnswer))
	}
	return &answer{resp.StatusCode, resp.Header, body}, nil
}

// unreachable tells a timeout from other failures to ask DHIS2. The text of the
// error names method and path only: query and body may be secret.
func unreachable(req *http.Request, err error) error {
	reason := fault.UpstreamUnreachable
	var ne net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		reason = fault.UpstreamTimeout
	}
	return fault.Wrap(reason, fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err))
}

// unexpected is the fault for an answer that is neither yes nor no.
func unexpected(what string, a *answer) error {
	return fault.New(fault.UpstreamUnreachable, "").WithDetail(unexpectedText(what, a))
}

func unexpectedText(what string, a *answer) string {
	text := fmt.Sprintf("%s answered %d", what, a.status)
	if loc := a.location(); loc != "" {
		text += ", Location " + loc
	}
	return text
}

// location is where a redirect points to, without its query, "" if it is none.
func (a *answer) location() string {
	if a.status < 300 || a.status > 399 {
		return ""
	}
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		return "?"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

// json decodes the body if it is JSON of the right shape.
func (a *answer) json(into any) bool {
	return json.Unmarshal(a.body, into) == nil
}

// message is DHIS2's own words in a WebMessage, or other if there are none that
// can be passed on.
func (a *answer) message(other string) string {
	var m struct{ Message string }
	if !a.json(&m) || m.Message == "" || len(m.Message) > maxMessage || hasControl(m.Message) {
		return other
	}
	return m.Message
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' })
}

// toLogin reports whether a redirect leads to DHIS2's sign-in or sign-out, which
// is how DHIS2 says that a session is not or no longer signed in: 2.42+ /login/,
// 2.41 /dhis-web-login/, before /dhis-web-commons/security/login.action, and
// /dhis-web-commons-security/logout.action after a session was ended.
func toLogin(status int, h http.Header) bool {
	if status < 300 || status > 399 {
		return false
	}
	u, err := url.Parse(h.Get("Location"))
	if err != nil {
		return false
	}
	path := strings.TrimSuffix(u.Path, "/")
	for _, end := range []string{"/login", "/dhis-web-login", "/login.action", "/logout.action", "/login.html"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}
