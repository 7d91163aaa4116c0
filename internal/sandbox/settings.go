package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// settingKinds are the system settings that the sandbox knows, with their defaults
// (DHIS2 2.44 SystemSettings). Text defaults to text, numbers and booleans to such.
var settingKinds = map[string]any{
	"keyAccountRecovery": false, "keyLockMultipleFailedLogins": false, "keySelfRegistrationNoRecaptcha": false, "keyEmailTls": true,
	"minPasswordLength": 8, "maxPasswordLength": 72, "credentialsExpires": 0, "credentialsExpiresReminderInDays": 28, "keyEmailPort": 587,
	"keyUiLocale": "en", "keyDbLocale": "en", "keyStyle": "light_blue/light_blue.css", "applicationTitle": "DHIS 2", "keyCalendar": "iso8601", "keyDateFormat": "yyyy-MM-dd",
	"keySystemNotificationsEmail": "", "keyApplicationNotification": "", "keyApplicationIntro": "", "keyApplicationFooter": "", "keyApplicationRightFooter": "", "keyFlag": "dhis2", "startModule": "dhis-web-dashboard",
	"keyEmailHostName": "", "keyEmailUsername": "", "keyEmailSender": "no-reply@dhis2.org", "keyAnalysisDisplayProperty": "name", "keyCustomTopMenuLogo": false, "keyCustomLoginPageLogo": false,
	"enforceVerifiedEmail": false, "loginPopup": "", "loginPageLayout": "DEFAULT", "loginPageTemplate": "", "email2FAEnabled": false, "keyRemoteInstanceUrl": "", "keyCacheStrategy": "NO_CACHE",
}

// confidential settings are never shown.
var confidential = map[string]bool{"keyEmailPassword": true, "keyRemoteInstancePassword": true}

func createTables(ctx context.Context, db *sql.DB) error {
	for _, ddl := range []string{
		`CREATE TABLE IF NOT EXISTS sb_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS sb_entry (uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, value TEXT, encrypted INTEGER NOT NULL, sharing TEXT NOT NULL,
			created TEXT NOT NULL, last_updated TEXT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL, UNIQUE (namespace, name)) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS sb_user_entry (username TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value TEXT, encrypted INTEGER NOT NULL,
			PRIMARY KEY (username, namespace, name)) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS sb_app (key TEXT PRIMARY KEY, manifest TEXT NOT NULL) WITHOUT ROWID`,
	} {
		if _, err := db.ExecContext(ctx, ddl); err != nil {
			return fmt.Errorf("create sandbox tables: %w", err)
		}
	}
	return nil
}

// setting is the stored text of a setting, "" if it was never set.
func (s *Sandbox) setting(ctx context.Context, name string) string {
	var v string
	if err := s.db.QueryRowContext(ctx, `SELECT value FROM sb_setting WHERE name = ?`, name).Scan(&v); err != nil {
		return ""
	}
	return v
}

func (s *Sandbox) putSetting(ctx context.Context, name, value string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO sb_setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	if err != nil {
		return fmt.Errorf("store setting: %w", err)
	}
	return nil
}

// value is a setting with its default, as its type.
func (s *Sandbox) value(ctx context.Context, name string) any {
	kind, known := settingKinds[name]
	if !known {
		return ""
	}
	var v string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM sb_setting WHERE name = ?`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) || err != nil {
		return kind
	}
	switch kind.(type) {
	case bool:
		return v == "true"
	case int:
		n, _ := strconv.Atoi(v)
		return n
	}
	return v
}

func knownSetting(name string) error {
	if _, ok := settingKinds[name]; !ok && !confidential[name] {
		return problem.NotFound("Setting does not exist: %s", name)
	}
	return nil
}

func settingGet(c *call) error {
	name := c.args[0]
	if confidential[name] {
		return problem.Forbidden("Setting is marked as confidential")
	}
	if err := knownSetting(name); err != nil {
		return err
	}
	v := c.s.value(c.r.Context(), name)
	if c.query.Has("locale") {
		return c.raw(http.StatusOK, "text/plain;charset=UTF-8", []byte(fmt.Sprint(v)))
	}
	if !c.acceptsJSON() {
		return notAcceptable
	}
	return c.json(http.StatusOK, map[string]any{name: v})
}

func settingsList(c *call) error {
	out := map[string]any{}
	keys := c.query["key"]
	if len(keys) == 0 {
		for k := range settingKinds {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		out[k] = c.s.value(c.r.Context(), k)
	}
	return c.json(http.StatusOK, out)
}

func settingPost(c *call) error {
	name := c.args[0]
	if err := c.need("F_SYSTEM_SETTING"); err != nil {
		return err
	}
	if err := knownSetting(name); err != nil {
		return err
	}
	value := c.query.Get("value")
	if !c.query.Has("value") {
		b, err := io.ReadAll(io.LimitReader(c.r.Body, 1<<20))
		if err != nil || len(b) == 0 {
			return &problem.Page{Status: http.StatusBadRequest}
		}
		value = string(b)
		var text string
		if strings.Contains(c.r.Header.Get("Content-Type"), "json") && json.Unmarshal(b, &text) == nil {
			value = text
		}
	}
	if err := fitsSetting(name, value); err != nil {
		return err
	}
	if err := c.s.putSetting(c.r.Context(), name, value); err != nil {
		return err
	}
	return c.said(http.StatusOK, "System setting '"+name+"' set to value '"+value+"'.")
}

func fitsSetting(name, value string) error {
	bad := problem.New(http.StatusBadRequest, "E1003", "Not a valid value for setting %s: %s", name, value)
	switch settingKinds[name].(type) {
	case int:
		if _, err := strconv.Atoi(value); err != nil {
			return bad
		}
	case bool:
		if value != "true" && value != "false" {
			return bad
		}
	}
	return nil
}

func settingsPost(c *call) error {
	if err := c.need("F_SYSTEM_SETTING"); err != nil {
		return err
	}
	if err := c.jsonType(); err != nil {
		return err
	}
	var in map[string]any
	if err := c.readJSON(&in, "systemSettings"); err != nil {
		return err
	}
	for k, v := range in {
		if err := knownSetting(k); err != nil {
			return err
		}
		if err := fitsSetting(k, fmt.Sprint(v)); err != nil {
			return err
		}
	}
	for k, v := range in {
		if err := c.s.putSetting(c.r.Context(), k, fmt.Sprint(v)); err != nil {
			return err
		}
	}
	return c.said(http.StatusOK, "System settings imported")
}

func settingDelete(c *call) error { return deleteSettings(c, []string{c.args[0]}) }

func settingsDelete(c *call) error { return deleteSettings(c, c.query["key"]) }

func deleteSettings(c *call, names []string) error {
	if err := c.need("F_SYSTEM_SETTING"); err != nil {
		return err
	}
	for _, n := range names {
		if err := knownSetting(n); err != nil {
			return err
		}
		if _, err := c.s.db.ExecContext(c.r.Context(), `DELETE FROM sb_setting WHERE name = ?`, n); err != nil {
			return fmt.Errorf("delete setting: %w", err)
		}
	}
	return c.empty(http.StatusNoContent)
}
