package metadata

import (
	"crypto/md5" // #nosec G501 -- DHIS2's ETag is an MD5; it protects nothing
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// request is one call of the API on its way.
type request struct {
	s      *Service
	w      http.ResponseWriter
	r      *http.Request
	u      *User
	seg    []string // after /api, the last without its suffix
	suffix string   // with its dot, "" for none
	query  url.Values
	q      querier // what is read from: one state of the database for all of a GET
	typ    *schema // of the first segment, nil if it is no type
}

// others are the first segments below /api that this package serves besides types.
var others = []string{"me", "authorities", "metadata", "schemas", "identifiableObjects", "periodTypes", "sharing"}

// Owns reports whether a path below /api, cut into decoded segments, is served by
// this package.
func (s *Service) Owns(segments []string) bool {
	if len(segments) == 0 {
		return false
	}
	if slices.Contains(others, segments[0]) || isComboUpdate(segments) || isTask(segments) {
		return true
	}
	t := s.cat.byPlural[segments[0]]
	return t != nil && t.stored()
}

// ServeHTTP answers a request for a path that Owns knows, as user u.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request, u *User, segments []string) {
	c := &request{s: s, w: w, r: r, u: u, seg: segments, query: dhis2.ParseQuery(r.URL.RawQuery)}
	raw := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.suffix = dhis2.ParsePath(raw).Suffix
	if t := s.cat.byPlural[segments[0]]; t != nil && t.stored() {
		c.typ = t
	}
	if err := c.withState(c.dispatch); err != nil {
		c.fail(err)
	}
}

// withState runs f with one state of the database to read from, where the request
// only reads: an export does not mix what was before and after an import, and a
// request never waits for a second connection while it holds one.
func (c *request) withState(f func() error) error {
	c.q = c.s.db
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return f()
	}
	tx, err := c.s.db.BeginTx(c.r.Context(), nil)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has written nothing
	c.q = prepare(tx)
	return f()
}

// actions are what the verbs of one path do.
type actions map[string]func() error

// dispatch finds the action of the path and the method.
func (c *request) dispatch() error {
	acts, err := c.actions()
	if err != nil {
		return err
	}
	if acts == nil {
		return &problem.Page{Status: http.StatusNotFound}
	}
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if method == http.MethodOptions {
		c.w.Header().Set("Allow", acts.allow())
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	act := acts[method]
	if act == nil {
		return problem.New(http.StatusMethodNotAllowed, "", "Request method '%s' is not supported", c.r.Method)
	}
	return act()
}

func (a actions) allow() string {
	var list []string
	for m := range a {
		list = append(list, m)
		if m == http.MethodGet {
			list = append(list, http.MethodHead)
		}
	}
	slices.Sort(list)
	return strings.Join(append(list, http.MethodOptions), ",")
}

// json wraps an action that answers JSON alone: another suffix or Accept is the
// container's 406.
func (c *request) json(act func() error) func() error {
	return func() error {
		if !c.acceptsJSON() {
			return &problem.Page{Status: http.StatusNotAcceptable}
		}
		return act()
	}
}

func (c *request) acceptsJSON() bool {
	if c.suffix != "" {
		return c.suffix == ".json"
	}
	accept := strings.Join(c.r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && (media == "*/*" || media == "application/*" || media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
			return true
		}
	}
	return false
}

// base is the server's address.
func (c *request) base() string { return c.s.cfg.BaseURL(c.r) }

// bytes answers with a body that is there already.
func (c *request) bytes(status int, media string, body []byte) {
	h := c.w.Header()
	if status < 300 && media == jsonMedia {
		media = c.jsonVariant()
	}
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // the caller is gone; there is nobody to tell
	}
}

// jsonVariant is the media type of a JSON answer: a kind of its own, if the caller
// accepts only that.
func (c *request) jsonVariant() string {
	if a := c.r.Header.Get("Accept"); strings.HasPrefix(a, "application/") && strings.HasSuffix(a, "+json") && !strings.ContainsAny(a, ",;") {
		return a + ";charset=UTF-8"
	}
	return jsonMedia
}

const jsonMedia = "application/json;charset=UTF-8"

// value answers with v as JSON.
func (c *request) value(status int, v any) error {
	body, err := dhis2.EncodeJSON(v)
	if err != nil {
		return err
	}
	c.bytes(status, jsonMedia, body)
	return nil
}

// tagged answers with JSON and its ETag, or 304 when the caller has it ("0" and the
// MD5 of the body, Spring's ShallowEtagHeaderFilter).
func (c *request) tagged(body []byte) error {
	sum := md5.Sum(body) // #nosec G401 -- see the import
	tag := `"0` + hex.EncodeToString(sum[:]) + `"`
	c.w.Header().Set("ETag", tag)
	for t := range strings.SplitSeq(c.r.Header.Get("If-None-Match"), ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			c.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	c.bytes(http.StatusOK, jsonMedia, body)
	return nil
}

const (
	cachePrivate = "no-cache, private"
	cacheNever   = "no-cache, no-store, max-age=0, must-revalidate"
)

// private is tagged of what only its caller may keep.
func (c *request) private(body []byte) error {
	c.w.Header().Set("Cache-Control", cachePrivate)
	return c.tagged(body)
}

// message answers with a WebMessage.
func (c *request) message(m dhis2.WebMessage) error {
	body, err := m.JSON()
	if err != nil {
		return err
	}
	if m.HTTPStatusCode >= 400 {
		c.w.Header().Set("Cache-Control", cachePrivate)
	}
	c.bytes(m.HTTPStatusCode, jsonMedia, body)
	return nil
}

// nothing answers 204.
func (c *request) nothing() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// fail turns an error into DHIS2's answer.
func (c *request) fail(err error) {
	if p, ok := errors.AsType[*problem.Page](err); ok {
		c.bytes(p.Status, "text/html;charset=utf-8", []byte("<!doctype html><title>HTTP Status "+strconv.Itoa(p.Status)+" – "+http.StatusText(p.Status)+"</title>"))
		return
	}
	_ = c.message(refusal(err)) // if the caller is gone, there is nobody to tell
}

// refusal is an error in DHIS2's words.
func refusal(err error) dhis2.WebMessage {
	m := dhis2.Error(http.StatusInternalServerError, "Internal Server Error", "")
	if p := problem.From(err); p != nil {
		m = dhis2.Error(p.Status, p.Message, p.Code)
	} else if e, ok := errors.AsType[*memberError](err); ok {
		m = dhis2.Error(http.StatusConflict, e.Error(), "")
	} else if j, ok := errors.AsType[*jsonError](err); ok {
		m = dhis2.Error(http.StatusConflict, j.Error(), "")
	} else if mb, ok := errors.AsType[*http.MaxBytesError](err); ok {
		m = dhis2.Error(http.StatusRequestEntityTooLarge, "Maximum upload size of "+strconv.FormatInt(mb.Limit, 10)+" bytes exceeded", "")
	}
	return m
}

// mediaType demands one of the media types of a body, else 415 with Spring's words.
func (c *request) mediaType(allowed ...string) error {
	ct := c.r.Header.Get("Content-Type")
	if ct == "" {
		return problem.New(http.StatusUnsupportedMediaType, "", "Content-Type is not supported")
	}
	if !strings.Contains(ct, "/") {
		return problem.New(http.StatusUnsupportedMediaType, "", "Invalid mime type \"%s\": does not contain '/'", ct)
	}
	media, _, err := mime.ParseMediaType(ct)
	if err == nil && slices.Contains(allowed, media) {
		return nil
	}
	if media == "application/x-www-form-urlencoded" && !strings.Contains(ct, "charset") && c.r.Method != http.MethodPost {
		ct += ";charset=UTF-8"
	}
	return problem.New(http.StatusUnsupportedMediaType, "", "Content-Type '%s' is not supported", ct)
}

// uidOf checks a uid of the path; parameter is its name in the text.
func uidOf(uid, parameter string) (string, error) {
	if !dhis2.IsUID(uid) {
		return "", problem.BadRequest("Value '%s' is not valid for path parameter %s. UID must be an alphanumeric string of 11 characters starting with a letter, but was: %s", uid, parameter, uid)
	}
	return uid, nil
}

func (c *request) noSuch(uid string) error {
	return problem.NotFound("%s with id %s could not be found.", c.typ.simpleName(), uid)
}

// isTrue reads a parameter that is true in any case.
func (c *request) isTrue(name string) bool { return strings.EqualFold(c.query.Get(name), "true") }
