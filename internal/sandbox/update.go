package sandbox

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// change is what a PUT asks for.
type change struct {
	body string
	path string
	roll *int
}

// readChange reads the body and the parameters; a body that is empty needs no type.
func (c *call) readChange() (change, error) {
	var ch change
	body, err := c.body()
	if err != nil {
		return ch, err
	}
	ch.body = string(body)
	if ch.body != "" {
		if err := c.jsonType(); err != nil {
			return ch, err
		}
	}
	if c.s.minor < 41 {
		return ch, nil
	}
	ch.path = strings.Join(c.query["path"], ",")
	if v := c.param("roll"); v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return ch, problem.BadRequest("Value '%s' is not valid for parameter roll. For input string: \"%s\"", v, v)
		}
		i := int(n)
		ch.roll = &i
	}
	return ch, nil
}

func dsUpdate(c *call) error {
	ns, key := c.args[0], c.key()
	ch, err := c.readChange()
	if err != nil {
		return err
	}
	encrypt, err := c.flag("encrypt", false)
	if err != nil {
		return err
	}
	switch c.s.guards.writes(ns, c.user) {
	case modeRestricted:
		return protected(c.s, ns)
	case modeHidden: // answered as success, stored nowhere
		return c.said(http.StatusCreated, c.s.words().created(key))
	}
	e, err := c.s.find(c.r.Context(), ns, key)
	if errors.Is(err, sql.ErrNoRows) {
		return c.putNew(ns, key, ch, encrypt)
	}
	if err != nil {
		return err
	}
	if !e.share.readable(c.user) {
		return c.deniedRead(ns, key)
	}
	next, gone, err := c.changed(key, e.value, e.encrypted, ch)
	if err != nil {
		return err
	}
	if !e.share.writable(c.user) {
		return c.deniedWrite(ns, key)
	}
	if gone {
		if err := c.s.deleteEntry(c.r.Context(), ns, key); err != nil {
			return err
		}
		return c.said(http.StatusOK, c.s.words().updated(key))
	}
	if _, err := c.s.db.ExecContext(c.r.Context(), `UPDATE sb_entry SET value = ?, last_updated = ?, updated_by = ? WHERE namespace = ? AND name = ?`,
		next, c.s.stamp(), c.user.UID, ns, key); err != nil {
		return fmt.Errorf("update entry: %w", err)
	}
	return c.said(http.StatusOK, c.s.words().updated(key))
}

// putNew is a PUT of a key that is not there: path and roll mean nothing then.
func (c *call) putNew(ns, key string, ch change, encrypt bool) error {
	if c.s.minor <= 37 {
		return problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noKey(key, ns))
	}
	if ch.body == "" {
		return c.insert(ns, key, sql.NullString{}, false)
	}
	v, err := c.parseValue(key, ch.body, encrypt)
	if err != nil {
		return err
	}
	return c.insert(ns, key, v, encrypt)
}

// changed gives the value after a change; gone is true for an empty body at the
// root, which deletes. An encrypted value stays as it is (a bug of DHIS2's SQL).
func (c *call) changed(key string, old sql.NullString, encrypted bool, ch change) (next sql.NullString, gone bool, err error) {
	var to jsonb.Value
	if ch.body != "" {
		parsed, err := c.parseValue(key, ch.body, false)
		if err != nil {
			return old, false, err
		}
		to, _ = jsonb.Parse(parsed.String)
	}
	switch {
	case ch.path == "" && ch.body == "":
		return old, true, nil
	case encrypted:
		return old, false, nil
	case ch.path == "" && ch.roll == nil:
		return sql.NullString{String: to.String(), Valid: true}, false, nil
	case !old.Valid && ch.path != "":
		return old, false, nil // jsonb_set of NULL is NULL
	case !old.Valid:
		return sql.NullString{String: to.String(), Valid: true}, false, nil
	}
	root, err := jsonb.Parse(old.String)
	if err != nil {
		return old, false, fmt.Errorf("stored value: %w", err)
	}
	steps, err := pathSteps(ch.path)
	if err != nil {
		return old, false, err
	}
	if ch.roll != nil {
		at, there := root.Get(steps)
		to = rolled(at, there, to, *ch.roll)
	}
	if len(steps) == 0 {
		return sql.NullString{String: to.String(), Valid: true}, false, nil
	}
	v, err := jsonb.Set(root, steps, to, false)
	if d, ok := errors.AsType[*jsonb.DatabaseError](err); ok {
		return old, false, problem.Plain409("%s", d.Message)
	}
	return sql.NullString{String: v.String(), Valid: true}, false, err
}

// pathSteps reads a.b, a,b and a[0].b as PostgreSQL's array literal is made of it.
func pathSteps(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text := strings.NewReplacer(".", ",", "[", ",", "]", "").Replace(path)
	for strings.Contains(text, ",,") && !strings.HasSuffix(path, ".") {
		if strings.Contains(path, "..") {
			return []string{"", ""}, nil // leads nowhere
		}
		text = strings.ReplaceAll(text, ",,", ",")
	}
	steps, err := jsonb.ParseArray(text)
	if d, ok := errors.AsType[*jsonb.DatabaseError](err); ok {
		return nil, problem.Plain409("%s", d.Message)
	}
	return steps, err
}

// rolled appends to an array, dropping the first item once it is full; null and
// nothing become a list of one; anything else is replaced.
func rolled(at jsonb.Value, there bool, to jsonb.Value, size int) jsonb.Value {
	switch {
	case !there || at.Kind() == jsonb.Null:
		return jsonb.List(to)
	case at.Kind() != jsonb.Array:
		return to
	}
	items := append([]jsonb.Value{}, at.Items()...)
	if len(items) >= size && len(items) > 0 {
		items = items[1:]
	}
	return jsonb.List(append(items, to)...)
}
