package sandbox

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// installApp is POST /api/apps: a zip in the multipart field "file".
func (c *call) installApp() error {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, valueBody)
	parts, err := c.r.MultipartReader()
	if err != nil {
		return problem.New(http.StatusUnsupportedMediaType, "", c.dialect.badType, c.r.Header.Get("Content-Type"))
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return &problem.Page{Status: http.StatusBadRequest}
		}
		if err != nil {
			return problem.BadRequest("Failed to parse multipart servlet request")
		}
		if part.FormName() != "file" {
			continue
		}
		archive, err := io.ReadAll(part)
		if err != nil {
			return problem.BadRequest("Failed to parse multipart servlet request")
		}
		return c.installArchive(archive)
	}
}

func (c *call) installArchive(archive []byte) error {
	m, err := readManifest(archive)
	if err != nil {
		return err
	}
	if err := c.apps.install(c.r.Context(), m); err != nil {
		return err
	}
	return c.json(http.StatusCreated, m.view(), "")
}

// removeApp is DELETE /api/apps/{key}.
func (c *call) removeApp() error {
	data, err := c.query.boolean("deleteAppData", false)
	if err != nil {
		return err
	}
	found, err := c.apps.remove(c.r.Context(), c.params[0], data)
	if err != nil {
		return err
	}
	if !found {
		return problem.New(http.StatusNotFound, "", "App does not exist: %s", c.params[0])
	}
	return c.nothing()
}

// listApps is GET /api/apps: those that the user may see. key= asks for one.
func (c *call) listApps() error {
	out := []map[string]any{}
	for _, m := range c.apps.list() {
		if c.user.HasAny(m.authority(), manageApps) && c.wantsApp(m) {
			out = append(out, m.view())
		}
	}
	if key := c.query.get("key"); key != "" && len(out) == 0 {
		return c.text(http.StatusNotFound, "", "")
	}
	return c.taggedJSON(out)
}

// wantsApp holds an app against key= and against filters of name and key.
func (c *call) wantsApp(m *manifest) bool {
	if key := c.query.get("key"); key != "" {
		return key == m.key()
	}
	for _, f := range c.query["filter"] {
		parts := strings.SplitN(f, ":", 3)
		if len(parts) != 3 || parts[1] != "eq" {
			continue
		}
		have, known := map[string]string{"name": m.Name, "shortName": m.ShortName, "key": m.key(), "version": m.Version}[parts[0]]
		if known && have != parts[2] {
			return false
		}
	}
	return true
}
