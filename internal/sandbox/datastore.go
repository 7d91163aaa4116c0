package sandbox

import (
	"context"
	"crypto/md5" //nolint:gosec // DHIS2's ETag, no protection of anything
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// entry is one value of the dataStore. A NULL value is one that an empty PUT made.
type entry struct {
	uid, ns, key         string
	value                sql.NullString // as jsonb prints it
	encrypted            bool           // then the value is the text as it was sent
	share                sharing
	created, updated     string
	createdBy, updatedBy string // uids
}

const entryColumns = `uid, namespace, name, value, encrypted, sharing, created, last_updated, created_by, updated_by`

// stampForm is how DHIS2 prints instants.
const stampForm = "2006-01-02T15:04:05.000"

func (s *Sandbox) stamp() string { return s.cfg.Now().UTC().Format(stampForm) }

func scanEntry(scan func(...any) error) (entry, error) {
	var e entry
	var share string
	err := scan(&e.uid, &e.ns, &e.key, &e.value, &e.encrypted, &share, &e.created, &e.updated, &e.createdBy, &e.updatedBy)
	e.share = parseSharing(share)
	return e, err
}

// find returns sql.ErrNoRows if there is none.
func (s *Sandbox) find(ctx context.Context, ns, key string) (entry, error) {
	e, err := scanEntry(s.db.QueryRowContext(ctx, `SELECT `+entryColumns+` FROM sb_entry WHERE namespace = ? AND name = ?`, ns, key).Scan)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return e, fmt.Errorf("look up entry: %w", err)
	}
	return e, err
}

func (s *Sandbox) entries(ctx context.Context, ns string) ([]entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+entryColumns+` FROM sb_entry WHERE namespace = ? ORDER BY name`, ns)
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	defer rows.Close()
	var out []entry
	for rows.Next() {
		e, err := scanEntry(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list entries: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func noStore(c *call) {
	c.w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
}

func dsNamespaces(c *call) error {
	rows, err := c.s.db.QueryContext(c.r.Context(), `SELECT DISTINCT namespace FROM sb_entry ORDER BY namespace`)
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var ns string
		if err := rows.Scan(&ns); err != nil {
			return fmt.Errorf("list namespaces: %w", err)
		}
		if c.s.guards.reads(ns, c.user) != modeHidden {
			out = append(out, ns)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	noStore(c)
	return c.json(http.StatusOK, out)
}

func dsKeys(c *call) error {
	if c.query.Has("fields") && c.s.minor >= 38 {
		return dsEntries(c)
	}
	return dsKeyList(c)
}

func dsKeyList(c *call) error {
	ns := c.args[0]
	since, err := c.lastUpdated()
	if err != nil {
		return err
	}
	gone := problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noNamespace(ns))
	switch c.s.guards.reads(ns, c.user) {
	case modeRestricted:
		return protected(c.s, ns)
	case modeHidden:
		return gone
	}
	list, err := c.s.entries(c.r.Context(), ns)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return gone
	}
	out := []string{}
	for _, e := range list {
		if e.share.readable(c.user) && (since.IsZero() || !stampTime(e.updated).Before(since)) {
			out = append(out, e.key)
		}
	}
	noStore(c)
	return c.json(http.StatusOK, out)
}

func stampTime(s string) time.Time {
	t, _ := time.Parse(stampForm, s)
	return t
}

// lastUpdated reads the parameter: an ISO date or date and time.
func (c *call) lastUpdated() (time.Time, error) {
	v := c.param("lastUpdated")
	if v == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{"2006-01-02", "2006-01-02T15:04:05.000", "2006-01-02T15:04:05", "2006-01-02T15:04", time.RFC3339, "2006-01", "2006", "2006-01-02T15:04:05.000Z0700"} {
		if t, err := time.Parse(form, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, problem.BadRequest("Value '%s' is not valid for parameter lastUpdated. %s", v, badDate(v))
}

// badDate words what Joda-Time has against a date.
func badDate(v string) string {
	digits := 0
	for digits < len(v) && v[digits] >= '0' && v[digits] <= '9' {
		digits++
	}
	if len(v) == 10 && v[4] == '-' && v[7] == '-' {
		if m, err := strconv.Atoi(v[5:7]); err == nil && (m < 1 || m > 12) {
			return fmt.Sprintf("Cannot parse %q: Value %d for monthOfYear must be in the range [1,12]", v, m)
		}
		if d, err := strconv.Atoi(v[8:]); err == nil {
			return fmt.Sprintf("Cannot parse %q: Value %d for dayOfMonth must be in the range [1,31]", v, d)
		}
	}
	switch {
	case digits == 0:
		return fmt.Sprintf("Invalid format: %q", v)
	case len(v) > 10 && v[4] == '-' && v[7] == '-':
		return fmt.Sprintf("Invalid format: %q is malformed at %q", v, v[10:])
	}
	return fmt.Sprintf("Invalid format: %q is malformed at %q", v, v[digits:])
}

// readableEntry is what GET of a key and of its metaData have in common.
func (c *call) readableEntry() (entry, error) {
	ns, key := c.args[0], c.args[1]
	gone := problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noKey(key, ns))
	switch c.s.guards.reads(ns, c.user) {
	case modeRestricted:
		return entry{}, protected(c.s, ns)
	case modeHidden:
		return entry{}, gone
	}
	e, err := c.s.find(c.r.Context(), ns, key)
	if errors.Is(err, sql.ErrNoRows) {
		return e, gone
	}
	if err != nil {
		return e, err
	}
	if !e.share.readable(c.user) {
		return e, c.deniedRead(ns, key)
	}
	return e, nil
}

func (c *call) deniedRead(ns, key string) error {
	return problem.New(http.StatusForbidden, c.s.words().code("E1006"), "%s", c.s.words().denied(key, ns))
}

func (c *call) deniedWrite(ns, key string) error {
	return problem.New(http.StatusForbidden, "", "%s", c.s.words().denied(key, ns))
}

func dsGet(c *call) error {
	e, err := c.readableEntry()
	if err != nil {
		return err
	}
	return c.value(e.value)
}

// value answers with a stored value and its ETag.
func (c *call) value(v sql.NullString) error {
	if !v.Valid {
		return c.raw(http.StatusOK, "", nil)
	}
	return c.tagged([]byte(v.String))
}

// tagged answers with a body and DHIS2's ETag of it.
func (c *call) tagged(body []byte) error {
	tag := fmt.Sprintf(`"0%x"`, md5.Sum(body)) //nolint:gosec // see above
	c.w.Header().Set("ETag", tag)
	if c.r.Header.Get("If-None-Match") == tag {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	c.w.Header().Set("Cache-Control", "no-cache, private")
	return c.raw(http.StatusOK, "application/json;charset=UTF-8", body)
}

type userRef struct {
	ID          string  `json:"id"`
	Code        *string `json:"code"`
	Name        string  `json:"name"`
	DisplayName string  `json:"displayName"`
	Username    string  `json:"username"`
}

func (s *Sandbox) ref(ctx context.Context, uid string) *userRef {
	u, err := s.md.UserByUID(ctx, uid)
	if err != nil {
		return nil
	}
	ref := &userRef{ID: u.UID, Name: u.Name(), DisplayName: u.Name(), Username: u.Username}
	if u.Code != "" {
		ref.Code = &u.Code
	}
	return ref
}

func dsMetaData(c *call) error {
	e, err := c.readableEntry()
	if err != nil {
		return err
	}
	type rights struct {
		Manage bool `json:"manage"`
		Write  bool `json:"write"`
		Read   bool `json:"read"`
		Update bool `json:"update"`
		Delete bool `json:"delete"`
	}
	w := e.share.writable(c.user)
	by := c.s.ref(c.r.Context(), e.createdBy)
	body, err := dhis2.EncodeJSON(struct {
		Created       string   `json:"created"`
		LastUpdated   string   `json:"lastUpdated"`
		Translations  []any    `json:"translations"`
		CreatedBy     *userRef `json:"createdBy,omitempty"`
		LastUpdatedBy *userRef `json:"lastUpdatedBy,omitempty"`
		Sharing       sharing  `json:"sharing"`
		Namespace     string   `json:"namespace"`
		Key           string   `json:"key"`
		Access        rights   `json:"access"`
		User          *userRef `json:"user,omitempty"`
		ID            string   `json:"id"`
		Attributes    []any    `json:"attributeValues"`
	}{e.created, e.updated, []any{}, by, c.s.ref(c.r.Context(), e.updatedBy), e.share, e.ns, e.key, rights{w, w, e.share.readable(c.user), w, w}, by, e.uid, []any{}})
	if err != nil {
		return err
	}
	return c.tagged(body)
}

// flag reads a boolean parameter as Spring does.
func (c *call) flag(name string, def bool) (bool, error) {
	switch v := c.param(name); v {
	case "":
		return def, nil
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	default:
		return false, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type boolean", v, name)
	}
}

const createSignature = "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.DatastoreController.addKeyJsonValue(java.lang.String,java.lang.String,java.lang.String,boolean) throws org.hisp.dhis.feedback.BadRequestException,org.hisp.dhis.feedback.ConflictException"

func dsCreate(c *call) error {
	ns, key := c.args[0], c.key()
	if err := c.jsonType(); err != nil {
		return err
	}
	encrypt, err := c.flag("encrypt", false)
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return problem.BadRequest("Required request body is missing: %s", createSignature)
	}
	switch c.s.guards.writes(ns, c.user) {
	case modeRestricted:
		return protected(c.s, ns)
	case modeHidden: // answered as success, stored nowhere
		return c.said(http.StatusCreated, c.s.words().created(key))
	}
	switch old, err := c.s.find(c.r.Context(), ns, key); {
	case err == nil && !old.share.readable(c.user):
		return c.deniedRead(ns, key)
	case err == nil:
		return problem.New(http.StatusConflict, c.s.words().code("E1004"), "%s", c.s.words().duplicate(key, ns))
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	v, err := c.parseValue(key, string(body), encrypt)
	if err != nil {
		return err
	}
	return c.insert(ns, key, v, encrypt)
}

// key is the second argument; the endpoint …/keys has it as a literal.
func (c *call) key() string {
	if len(c.args) > 1 {
		return c.args[1]
	}
	return "keys"
}

// parseValue checks JSON as DHIS2 and then PostgreSQL do.
func (c *call) parseValue(key, body string, encrypt bool) (sql.NullString, error) {
	v, err := jsonb.Parse(body)
	if d, ok := errors.AsType[*jsonb.DatabaseError](err); ok {
		if encrypt {
			return sql.NullString{String: body, Valid: true}, nil
		}
		return sql.NullString{}, problem.Plain409("%s", d.Message)
	}
	if err != nil {
		return sql.NullString{}, problem.New(http.StatusBadRequest, c.s.words().code("E1003"), "%s", c.s.words().broken(key))
	}
	if encrypt {
		return sql.NullString{String: body, Valid: true}, nil
	}
	return sql.NullString{String: v.String(), Valid: true}, nil
}

func (c *call) insert(ns, key string, v sql.NullString, encrypt bool) error {
	if utf8.RuneCountInString(ns) > 255 || utf8.RuneCountInString(key) > 255 {
		return problem.Plain409("ERROR: value too long for type character varying(255)")
	}
	if encrypt && len(v.String) > 160 { // the column holds 255 characters of cipher text
		return problem.Plain409("ERROR: value too long for type character varying(255)")
	}
	uid, err := dhis2.NewUID(c.s.cfg.Rand)
	if err != nil {
		return fmt.Errorf("random: %w", err)
	}
	now := c.s.stamp()
	_, err = c.s.db.ExecContext(c.r.Context(), `INSERT INTO sb_entry (`+entryColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		uid, ns, key, v, encrypt, newSharing(c.user.UID).text(), now, now, c.user.UID, c.user.UID)
	if err != nil {
		return fmt.Errorf("store entry: %w", err)
	}
	return c.said(http.StatusCreated, c.s.words().created(key))
}

func dsDelete(c *call) error {
	ns, key := c.args[0], c.key()
	gone := problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noKey(key, ns))
	switch c.s.guards.writes(ns, c.user) {
	case modeRestricted:
		return protected(c.s, ns)
	case modeHidden:
		return gone
	}
	if c.s.guards.reads(ns, c.user) == modeHidden {
		return gone
	}
	e, err := c.s.find(c.r.Context(), ns, key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return gone
	case err != nil:
		return err
	case !e.share.readable(c.user):
		return c.deniedRead(ns, key)
	case !e.share.writable(c.user):
		return c.deniedWrite(ns, key)
	}
	if err := c.s.deleteEntry(c.r.Context(), ns, key); err != nil {
		return err
	}
	return c.said(http.StatusOK, c.s.words().deleted(key, ns))
}

func (s *Sandbox) deleteEntry(ctx context.Context, ns, key string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sb_entry WHERE namespace = ? AND name = ?`, ns, key); err != nil {
		return fmt.Errorf("delete entry: %w", err)
	}
	return nil
}

func dsDeleteNamespace(c *call) error {
	ns := c.path.Segments[1]
	gone := problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noNamespace(ns))
	switch c.s.guards.writes(ns, c.user) {
	case modeRestricted:
		return protected(c.s, ns)
	case modeHidden:
		return gone
	}
	list, err := c.s.entries(c.r.Context(), ns)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return gone
	}
	for _, e := range list {
		if !e.share.writable(c.user) {
			return c.deniedWrite(ns, e.key)
		}
	}
	if _, err := c.s.db.ExecContext(c.r.Context(), `DELETE FROM sb_entry WHERE namespace = ?`, ns); err != nil {
		return fmt.Errorf("delete namespace: %w", err)
	}
	return c.said(http.StatusOK, c.s.words().namespaceDeleted(ns))
}
