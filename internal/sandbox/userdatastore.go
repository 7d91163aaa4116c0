package sandbox

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// whose gives the user whose store it is: the caller, or the one that a superuser
// names.
func (c *call) whose() (string, error) {
	name := c.param("username")
	if name == "" || c.s.minor < 38 {
		return c.user.Username, nil
	}
	if !c.user.Super() {
		return "", problem.Conflict("Only superusers can read or write other users data using the `username` parameter.")
	}
	if _, err := c.s.md.UserByUsername(c.r.Context(), name); err != nil {
		return "", problem.Conflict("No user with username %s exists.", name)
	}
	return name, nil
}

func (c *call) userNoKey(ns, key string) error {
	return problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noKey(key, ns))
}

func (c *call) userFind(who, ns, key string) (v sql.NullString, encrypted bool, err error) {
	err = c.s.db.QueryRowContext(c.r.Context(), `SELECT value, encrypted FROM sb_user_entry WHERE username = ? AND namespace = ? AND name = ?`, who, ns, key).Scan(&v, &encrypted)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("look up user entry: %w", err)
	}
	return v, encrypted, err
}

func (c *call) texts(query string, args ...any) ([]string, error) {
	rows, err := c.s.db.QueryContext(c.r.Context(), query, args...)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("list: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func udsNamespaces(c *call) error {
	who, err := c.whose()
	if err != nil {
		return err
	}
	list, err := c.texts(`SELECT DISTINCT namespace FROM sb_user_entry WHERE username = ? ORDER BY namespace`, who)
	if err != nil {
		return err
	}
	noStore(c)
	return c.json(http.StatusOK, list)
}

func udsKeys(c *call) error {
	if c.query.Has("fields") && c.s.minor >= 38 {
		return udsEntries(c)
	}
	return udsKeyList(c)
}

func udsKeyList(c *call) error {
	who, err := c.whose()
	if err != nil {
		return err
	}
	list, err := c.texts(`SELECT name FROM sb_user_entry WHERE username = ? AND namespace = ? ORDER BY name`, who, c.args[0])
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noNamespace(c.args[0]))
	}
	noStore(c)
	return c.json(http.StatusOK, list)
}

func udsGet(c *call) error {
	who, err := c.whose()
	if err != nil {
		return err
	}
	v, _, err := c.userFind(who, c.args[0], c.args[1])
	if errors.Is(err, sql.ErrNoRows) {
		return c.userNoKey(c.args[0], c.args[1])
	}
	if err != nil {
		return err
	}
	return c.value(v)
}

const userCreateSignature = "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.UserDatastoreController.addUserEntry(java.lang.String,java.lang.String,java.lang.String,java.lang.String,boolean) throws org.hisp.dhis.feedback.BadRequestException,org.hisp.dhis.feedback.ConflictException"

func udsCreate(c *call) error {
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
		return problem.BadRequest("Required request body is missing: %s", userCreateSignature)
	}
	who, err := c.whose()
	if err != nil {
		return err
	}
	switch _, _, err := c.userFind(who, ns, key); {
	case err == nil:
		return problem.New(http.StatusConflict, c.s.words().code("E1004"), "%s", c.s.words().duplicate(key, ns))
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	v, err := c.parseValue(key, string(body), encrypt)
	if err != nil {
		return err
	}
	return c.userInsert(who, ns, key, v, encrypt)
}

func (c *call) userInsert(who, ns, key string, v sql.NullString, encrypt bool) error {
	if len([]rune(ns)) > 255 || len([]rune(key)) > 255 || encrypt && len(v.String) > 160 {
		return problem.Plain409("ERROR: value too long for type character varying(255)")
	}
	if _, err := c.s.db.ExecContext(c.r.Context(), `INSERT INTO sb_user_entry (username, namespace, name, value, encrypted) VALUES (?, ?, ?, ?, ?)`, who, ns, key, v, encrypt); err != nil {
		return fmt.Errorf("store user entry: %w", err)
	}
	return c.said(http.StatusCreated, c.s.words().userCreated(key, ns))
}

func udsUpdate(c *call) error {
	ns, key := c.args[0], c.key()
	ch, err := c.readChange()
	if err != nil {
		return err
	}
	encrypt, err := c.flag("encrypt", false)
	if err != nil {
		return err
	}
	who, err := c.whose()
	if err != nil {
		return err
	}
	old, encrypted, err := c.userFind(who, ns, key)
	if errors.Is(err, sql.ErrNoRows) {
		if ch.body == "" {
			return c.userInsert(who, ns, key, sql.NullString{}, false)
		}
		v, err := c.parseValue(key, ch.body, encrypt)
		if err != nil {
			return err
		}
		return c.userInsert(who, ns, key, v, encrypt)
	}
	if err != nil {
		return err
	}
	next, gone, err := c.changed(key, old, encrypted, ch)
	if err != nil {
		return err
	}
	if gone {
		err = c.userRemove(who, ns, key)
	} else if _, err = c.s.db.ExecContext(c.r.Context(), `UPDATE sb_user_entry SET value = ? WHERE username = ? AND namespace = ? AND name = ?`, next, who, ns, key); err != nil {
		err = fmt.Errorf("update user entry: %w", err)
	}
	if err != nil {
		return err
	}
	status := http.StatusOK
	if c.s.minor <= 37 {
		status = http.StatusCreated
	}
	return c.said(status, c.s.words().userUpdated(key, ns))
}

func (c *call) userRemove(who, ns, key string) error {
	if _, err := c.s.db.ExecContext(c.r.Context(), `DELETE FROM sb_user_entry WHERE username = ? AND namespace = ? AND name = ?`, who, ns, key); err != nil {
		return fmt.Errorf("delete user entry: %w", err)
	}
	return nil
}

func udsDelete(c *call) error {
	who, err := c.whose()
	if err != nil {
		return err
	}
	ns, key := c.args[0], c.key()
	if _, _, err := c.userFind(who, ns, key); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return c.userNoKey(ns, key)
		}
		return err
	}
	if err := c.userRemove(who, ns, key); err != nil {
		return err
	}
	return c.said(http.StatusOK, c.s.words().userDeleted(key, ns))
}

func udsDeleteNamespace(c *call) error {
	who, err := c.whose()
	if err != nil {
		return err
	}
	res, err := c.s.db.ExecContext(c.r.Context(), `DELETE FROM sb_user_entry WHERE username = ? AND namespace = ?`, who, c.args[0])
	if err != nil {
		return fmt.Errorf("delete user namespace: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return problem.New(http.StatusNotFound, c.s.words().code("E1005"), "%s", c.s.words().noNamespace(c.args[0]))
	}
	return c.said(http.StatusOK, c.s.words().userNamespaceDeleted(c.args[0]))
}
