package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

func noSetting(key string) error { return problem.NotFound("Setting does not exist: %s", key) }

// listSettings is GET /api/systemSettings, all of them or those of key=.
func (c *call) listSettings() error {
	keys := c.query["key"]
	if len(keys) == 0 {
		return c.taggedJSON(c.settings.all())
	}
	out := map[string]any{}
	for _, k := range keys {
		if def, ok := systemDefaults[k]; !ok || def.confidential {
			out[k] = ""
			continue
		}
		out[k] = c.settings.get(k)
	}
	return c.taggedJSON(out)
}

// readSetting is GET /api/systemSettings/{key}: an object, or the bare text of a
// translation when a locale is asked for.
func (c *call) readSetting() error {
	key := c.params[0]
	def, ok := systemDefaults[key]
	switch {
	case !ok:
		return noSetting(key)
	case def.confidential:
		return problem.Forbidden("Setting is marked as confidential")
	case c.query.get("locale") != "":
		return c.text(http.StatusOK, plainUTF8, fmt.Sprint(c.settings.get(key)))
	}
	return c.taggedJSON(map[string]any{key: c.settings.get(key)})
}

// writeSetting is POST /api/systemSettings/{key}, the value in the query or the
// body, plain or as JSON text.
func (c *call) writeSetting() error {
	key := c.params[0]
	value := c.query.get("value")
	if !c.query.has("value") {
		body, err := c.body(smallBody)
		if err != nil {
			return err
		}
		if body == "" {
			return &problem.Page{Status: http.StatusBadRequest}
		}
		if value = body; body[0] == '"' && json.Unmarshal([]byte(body), &value) != nil {
			value = body
		}
	}
	if err := c.putSetting(key, value); err != nil {
		return err
	}
	return c.done(http.StatusOK, fmt.Sprintf("System setting '%s' set to value '%s'.", key, value))
}

func (c *call) putSetting(key, value string) error {
	def, ok := systemDefaults[key]
	if !ok {
		return noSetting(key)
	}
	if value != "" && !def.fits(value) {
		return problem.New(http.StatusBadRequest, "E1003", "Not a valid value for setting %s: %s", key, value)
	}
	return c.settings.set(c.r.Context(), "", key, value)
}

func (d setting) fits(v string) bool {
	switch d.kind {
	case flagSetting:
		return v == "true" || v == "false"
	case intSetting:
		_, err := strconv.Atoi(v)
		return err == nil
	}
	return true
}

// writeSettings is POST /api/systemSettings with an object.
func (c *call) writeSettings() error {
	m, err := c.object(javaStringMap, "public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.SystemSettingsController.setSystemSettings(java.util.Map<java.lang.String, java.lang.String>)")
	if err != nil {
		return err
	}
	for key := range m {
		if err := c.putSetting(key, m.text(key)); err != nil {
			return err
		}
	}
	return c.done(http.StatusOK, "System settings imported")
}

// removeSetting is DELETE /api/systemSettings/{key}.
func (c *call) removeSetting() error {
	if _, ok := systemDefaults[c.params[0]]; !ok {
		return noSetting(c.params[0])
	}
	if err := c.settings.unset(c.r.Context(), "", c.params[0]); err != nil {
		return err
	}
	return c.nothing()
}

// removeSettings is DELETE /api/systemSettings?key=…
func (c *call) removeSettings() error {
	if err := c.query.required("key"); err != nil {
		return err
	}
	for _, key := range c.query["key"] {
		if err := c.settings.unset(c.r.Context(), "", key); err != nil {
			return err
		}
	}
	return c.nothing()
}

// settingOwner is whose settings are meant: of userId=, user=, or one's own. An
// unknown user has settings that nobody has set.
func (c *call) settingOwner() (string, error) {
	if id := c.query.get("userId"); id != "" {
		return id, nil
	}
	name := c.query.get("user")
	if name == "" {
		return c.user.UID, nil
	}
	u, err := c.meta.UserByUsername(c.r.Context(), name)
	if errors.Is(err, metadata.ErrNoUser) {
		return "-", nil
	}
	if err != nil {
		return "", err
	}
	return u.UID, nil
}

func (c *call) listUserSettings() error {
	owner, err := c.settingOwner()
	if err != nil {
		return err
	}
	return c.taggedJSON(c.settings.allOf(owner))
}

func (c *call) readUserSetting() error {
	owner, err := c.settingOwner()
	if err != nil {
		return err
	}
	v, ok := c.settings.of(owner, c.params[0])
	if !ok {
		return noSetting(c.params[0])
	}
	return c.text(http.StatusOK, plainUTF8, fmt.Sprint(v))
}

func (c *call) writeUserSetting() error {
	owner, err := c.settingOwner()
	if err != nil {
		return err
	}
	key, value := c.params[0], c.query.get("value")
	def, ok := userDefaults[key]
	if !ok {
		return noSetting(key)
	}
	if value == "" {
		if value, err = c.body(smallBody); err != nil {
			return err
		}
	}
	if value == "" {
		return problem.Conflict("You need to specify a new value")
	}
	if !def.fits(value) {
		return problem.New(http.StatusBadRequest, "E1003", "Not a valid value for setting %s: %s", key, value)
	}
	if err := c.settings.set(c.r.Context(), owner, key, value); err != nil {
		return err
	}
	return c.done(http.StatusOK, "User setting saved")
}

func (c *call) removeUserSetting() error {
	owner, err := c.settingOwner()
	if err != nil {
		return err
	}
	if _, ok := userDefaults[c.params[0]]; !ok {
		return noSetting(c.params[0])
	}
	if err := c.settings.unset(c.r.Context(), owner, c.params[0]); err != nil {
		return err
	}
	return c.nothing()
}
