package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// call is one request on its way.
type call struct {
	s       *Sandbox
	w       http.ResponseWriter
	r       *http.Request
	path    dhis2.Path
	slash   bool // the path ended in a slash
	unknown bool // an API version that is not answered
	query   url.Values
	found   *endpoint
	args    []string // of the wildcards, in order
	user    *metadata.User
}

func (c *call) parse() {
	raw := strings.TrimPrefix(c.r.URL.EscapedPath(), "/")
	var segments []string
	for s := range strings.SplitSeq(raw, "/") {
		if d, err := url.PathUnescape(s); err == nil {
			s = d
		}
		segments = append(segments, s)
	}
	c.slash = len(segments) > 1 && segments[len(segments)-1] == ""
	c.path = dhis2.ParsePath(segments)
	c.query, _ = url.ParseQuery(c.r.URL.RawQuery)
	if c.path.Version != "" {
		n, err := strconv.Atoi(c.path.Version)
		c.unknown = err != nil || n < 28 || n > c.s.highest() || strings.HasPrefix(c.path.Version, "0")
	}
}

// highest is the highest API version that is answered (DHIS2 2.44 ApiVersionFilter).
func (s *Sandbox) highest() int {
	switch {
	case s.minor >= 43:
		return s.minor
	case s.minor >= 40:
		return 42
	}
	return s.minor + 1
}

// json answers with a value.
func (c *call) json(status int, v any) error {
	body, err := dhis2.EncodeJSON(v)
	if err != nil {
		return err
	}
	return c.raw(status, "application/json;charset=UTF-8", body)
}

// raw answers with bytes.
func (c *call) raw(status int, mediaType string, body []byte) error {
	h := c.w.Header()
	if mediaType != "" {
		h.Set("Content-Type", mediaType)
	}
	if status == http.StatusOK && c.r.Method == http.MethodGet && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache, private")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // the caller is gone; there is nobody to tell
	}
	return nil
}

// empty answers with a status alone.
func (c *call) empty(status int) error {
	c.w.WriteHeader(status)
	return nil
}

// message answers with a WebMessage.
func (c *call) message(m dhis2.WebMessage) error {
	body, err := m.JSON()
	if err != nil {
		return err
	}
	media := "application/json;charset=UTF-8"
	if m.HTTPStatusCode >= 400 {
		media = "application/json"
		c.w.Header().Set("Cache-Control", "no-cache, private")
	}
	return c.raw(m.HTTPStatusCode, media, body)
}

// fail turns an error into DHIS2's answer.
func (c *call) fail(err error) {
	if p, ok := errors.AsType[*problem.Page](err); ok {
		if p.Allow != "" {
			c.w.Header().Set("Allow", p.Allow)
		}
		c.page(p.Status)
		return
	}
	m := dhis2.Error(http.StatusInternalServerError, "Internal Server Error", "")
	if p := problem.From(err); p != nil {
		m = dhis2.Error(p.Status, p.Message, p.Code)
		m.DevMessage = p.DevMessage
	}
	_ = c.message(m)
}

// need refuses unless the user holds one of the authorities.
func (c *call) need(authorities ...string) error {
	if c.user.HasAny(authorities...) {
		return nil
	}
	return problem.New(http.StatusForbidden, "", "Access is denied, requires one Authority from [%s]", strings.Join(authorities, ", "))
}

// notFound is the container's page.
var notFound = &problem.Page{Status: http.StatusNotFound}

// maxBody is the largest body that is read into memory, in bytes.
const maxBody = 64 << 20

// body reads the body.
func (c *call) body() ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return nil, problem.BadRequest("I/O error while reading input message")
	}
	if len(b) > maxBody {
		return nil, problem.New(http.StatusRequestEntityTooLarge, "", "Maximum upload size exceeded")
	}
	return b, nil
}

// jsonType checks the Content-Type of a body that must be JSON. Charset says
// whether the texts name the character set that Spring adds.
func (c *call) jsonType() error {
	ct := c.r.Header.Get("Content-Type")
	if ct == "" {
		return problem.New(http.StatusUnsupportedMediaType, "", "Content-Type is not supported")
	}
	media, params, err := mime.ParseMediaType(ct)
	if _, sub, ok := strings.Cut(ct, "/"); ok && strings.Contains(sub, ",") {
		return problem.New(http.StatusUnsupportedMediaType, "", "Invalid mime type \"%s\": Invalid token character ',' in token \"%s\"", ct, sub)
	}
	if err != nil || !strings.Contains(media, "/") {
		return problem.New(http.StatusUnsupportedMediaType, "", "Invalid mime type \"%s\": does not contain '/'", ct)
	}
	if cs := params["charset"]; cs != "" && !knownCharset(cs) {
		return problem.New(http.StatusUnsupportedMediaType, "", "Invalid mime type \"%s\": unsupported charset '%s'", ct, cs)
	}
	if media != "application/json" {
		return problem.New(http.StatusUnsupportedMediaType, "", "Content-Type '%s' is not supported", ct)
	}
	return nil
}

func knownCharset(s string) bool {
	switch strings.ToLower(s) {
	case "utf-8", "utf8", "iso-8859-1", "us-ascii", "utf-16", "windows-1252":
		return true
	}
	return false
}

// readJSON reads a JSON body into v, with Spring's words for what is wrong.
func (c *call) readJSON(v any, signature string) error {
	b, err := c.body()
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(b))
	if text == "" || text == "null" {
		return problem.BadRequest("Required request body is missing: %s", signature)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return problem.BadRequest("JSON parse error: %s", jackson(text, signature))
	}
	return nil
}

// param is the first value of a query parameter.
func (c *call) param(name string) string { return c.query.Get(name) }
