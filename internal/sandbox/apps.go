package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// manifest is the part of manifest.webapp that counts here.
type manifest struct {
	Name       string `json:"name"`
	ShortName  string `json:"short_name"`
	Version    string `json:"version"`
	Activities struct {
		DHIS struct {
			Namespace  string `json:"namespace"`
			Additional []struct {
				Namespace           string   `json:"namespace"`
				Authorities         []string `json:"authorities"`
				ReadOnlyAuthorities []string `json:"readOnlyAuthorities"`
			} `json:"additionalNamespaces"`
		} `json:"dhis"`
	} `json:"activities"`
}

var (
	keyUnfit  = regexp.MustCompile(`[^a-zA-Z0-9 -]`)
	authUnfit = regexp.MustCompile(`[^a-zA-Z0-9 ]`)
)

func (m manifest) short() string {
	if m.ShortName != "" {
		return m.ShortName
	}
	return strings.ToLower(m.Name)
}

// key is the app's name in addresses: blanks become a dash.
func (m manifest) key() string {
	return strings.Join(strings.Fields(keyUnfit.ReplaceAllString(m.short(), "")), "-")
}

// authority is that which opens the app: M_ and its name, blanks as _.
func (m manifest) authority() string {
	return "M_" + strings.ReplaceAll(strings.TrimSpace(authUnfit.ReplaceAllString(m.short(), "")), " ", "_")
}

// protections are the namespaces that the app reserves.
func (m manifest) protections() []Protection {
	var out []Protection
	if ns := m.Activities.DHIS.Namespace; ns != "" {
		who := []string{"M_dhis-web-app-management", m.authority()}
		out = append(out, Protection{ns, modeRestricted, modeRestricted, who, who, m.key()})
	}
	for _, a := range m.Activities.DHIS.Additional {
		p := Protection{Namespace: a.Namespace, Reads: modeNone, Writes: modeNone, ReadAuthorities: append(append([]string{}, a.Authorities...), a.ReadOnlyAuthorities...), WriteAuthorities: append([]string{}, a.Authorities...), app: m.key()}
		if len(p.ReadAuthorities) > 0 {
			p.Reads = modeRestricted
		}
		if len(p.WriteAuthorities) > 0 {
			p.Writes = modeRestricted
		}
		out = append(out, p)
	}
	return out
}

func (m manifest) check(g *guards) error {
	for _, a := range m.Activities.DHIS.Additional {
		if a.Namespace == "" || len(a.Authorities) == 0 && len(a.ReadOnlyAuthorities) == 0 {
			return problem.Conflict("An additional namespace declaration in the manifest does not define all required properties")
		}
	}
	for _, p := range m.protections() {
		if old, taken := g.get(p.Namespace); taken && old.app != p.app {
			return problem.Conflict("Namespace defined in manifest is already in use")
		}
	}
	return nil
}

const appAuthority = "M_dhis-web-app-management"

func appsList(c *call) error {
	rows, err := c.texts(`SELECT manifest FROM sb_app ORDER BY key`)
	if err != nil {
		return err
	}
	out := []any{}
	for _, text := range rows {
		var m manifest
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return fmt.Errorf("read app: %w", err)
		}
		out = append(out, appObject(m, text, baseURL(c.r)))
	}
	return c.json(http.StatusOK, out)
}

// appObject is how an app is shown: its manifest with what the server adds.
func appObject(m manifest, text, base string) map[string]any {
	o := map[string]any{}
	_ = json.Unmarshal([]byte(text), &o) // parsed before
	o["key"], o["baseUrl"], o["authority"] = m.key(), base+"/api/apps/"+m.key(), m.authority()
	o["launchUrl"] = base + "/api/apps/" + m.key() + "/index.html"
	return o
}

func appsInstall(c *call) error {
	if err := c.need(appAuthority); err != nil {
		return err
	}
	text, err := c.manifestText()
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil || m.short() == "" {
		return problem.Conflict("Invalid manifest")
	}
	if err := m.check(c.s.guards); err != nil {
		return err
	}
	if _, err := c.s.db.ExecContext(c.r.Context(), `INSERT INTO sb_app (key, manifest) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET manifest = excluded.manifest`, m.key(), string(text)); err != nil {
		return fmt.Errorf("store app: %w", err)
	}
	for _, p := range m.protections() {
		c.s.guards.put(p)
	}
	return c.json(http.StatusCreated, appObject(m, string(text), baseURL(c.r)))
}

// maxManifest bounds what is unpacked of a zip, in bytes.
const maxManifest = 1 << 20

func (c *call) manifestText() ([]byte, error) {
	bad := problem.Conflict("Invalid zip file")
	if err := c.r.ParseMultipartForm(maxBody); err != nil {
		return nil, &problem.Page{Status: http.StatusBadRequest}
	}
	defer c.r.MultipartForm.RemoveAll()
	f, _, err := c.r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) {
		return nil, &problem.Page{Status: http.StatusBadRequest}
	}
	if err != nil {
		return nil, bad
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBody))
	if err != nil {
		return nil, bad
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, bad
	}
	m, err := z.Open("manifest.webapp")
	if err != nil {
		return nil, problem.Conflict("App manifest is missing")
	}
	defer m.Close()
	return io.ReadAll(io.LimitReader(m, maxManifest))
}

func appsReload(c *call) error {
	if err := c.need(appAuthority); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func appsDelete(c *call) error {
	withData, err := c.flag("deleteAppData", false)
	if err != nil {
		return err
	}
	if err := c.need(appAuthority); err != nil {
		return err
	}
	key := c.args[0]
	rows, err := c.texts(`SELECT manifest FROM sb_app WHERE key = ?`, key)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return problem.New(http.StatusNotFound, "", "App does not exist: %s", key)
	}
	var m manifest
	if err := json.Unmarshal([]byte(rows[0]), &m); err != nil {
		return fmt.Errorf("read app: %w", err)
	}
	if _, err := c.s.db.ExecContext(c.r.Context(), `DELETE FROM sb_app WHERE key = ?`, key); err != nil {
		return fmt.Errorf("delete app: %w", err)
	}
	if ns := m.Activities.DHIS.Namespace; withData && ns != "" {
		if _, err := c.s.db.ExecContext(c.r.Context(), `DELETE FROM sb_entry WHERE namespace = ?`, ns); err != nil {
			return fmt.Errorf("delete app data: %w", err)
		}
	}
	c.s.guards.drop(key)
	return c.empty(http.StatusNoContent)
}
