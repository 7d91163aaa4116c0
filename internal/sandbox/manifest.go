package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// maxManifest is how large a manifest may be, in bytes.
const maxManifest = 1 << 20

// manifest is what an app says of itself. Members that the sandbox does not look
// at are kept and shown.
type manifest struct {
	raw        map[string]json.RawMessage
	Name       string `json:"name"`
	ShortName  string `json:"short_name"`
	Version    string `json:"version"`
	Activities struct {
		DHIS struct {
			Namespace            string                `json:"namespace"`
			AdditionalNamespaces []additionalNamespace `json:"additionalNamespaces"`
		} `json:"dhis"`
	} `json:"activities"`
}

type additionalNamespace struct {
	Namespace           string   `json:"namespace"`
	Authorities         []string `json:"authorities"`
	ReadOnlyAuthorities []string `json:"readOnlyAuthorities"`
}

func (a additionalNamespace) complete() bool {
	return a.Namespace != "" && (len(a.Authorities) > 0 || len(a.ReadOnlyAuthorities) > 0)
}

// readManifest takes manifest.webapp out of a zip. Error: 409.
func readManifest(archive []byte) (*manifest, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, problem.Plain409("App could not be unzipped")
	}
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix("/"+f.Name, "/manifest.webapp") })
	if i < 0 {
		return nil, problem.Plain409("Manifest file could not be found")
	}
	f, err := z.File[i].Open()
	if err != nil {
		return nil, problem.Plain409("App could not be unzipped")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil || len(b) > maxManifest {
		return nil, problem.Plain409("App could not be unzipped")
	}
	return parseManifest(b)
}

func parseManifest(b []byte) (*manifest, error) {
	m := &manifest{}
	if json.Unmarshal(b, m) != nil || json.Unmarshal(b, &m.raw) != nil || m.Name == "" {
		return nil, problem.Plain409("Invalid manifest JSON")
	}
	if m.ShortName == "" {
		m.ShortName = m.Name
	}
	for _, a := range m.Activities.DHIS.AdditionalNamespaces {
		if !a.complete() {
			return nil, problem.Plain409("An additional namespace declaration in the manifest does not define all required properties")
		}
	}
	return m, nil
}

// activities are those of raw with the sets of authorities in the order of Java's hash sets, as
// DHIS2 shows them.
func (m *manifest) activities() map[string]any {
	var a map[string]any
	if json.Unmarshal(m.raw["activities"], &a) != nil {
		return nil
	}
	dhis, _ := a["dhis"].(map[string]any)
	list, _ := dhis["additionalNamespaces"].([]any)
	for _, x := range list {
		ns, ok := x.(map[string]any)
		if !ok {
			continue
		}
		for _, set := range []string{"authorities", "readOnlyAuthorities"} {
			if _, ok := ns[set].([]any); ok {
				ns[set] = hashOrder(ns[set].([]any))
			}
		}
	}
	return a
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9 ]`)
var notInKey = regexp.MustCompile(`[^a-zA-Z0-9\- ]`)
var blanks = regexp.MustCompile(` +`)

// authority is what lets a user see the app.
func (m *manifest) authority() string {
	return "M_" + blanks.ReplaceAllString(strings.TrimSpace(notInName.ReplaceAllString(m.ShortName, "")), "_")
}

// key is the app's name in paths.
func (m *manifest) key() string {
	return blanks.ReplaceAllString(strings.TrimSpace(notInKey.ReplaceAllString(m.ShortName, "")), "-")
}

const manageApps = "M_dhis-web-app-management"

// protections are the namespaces that the app closes.
func (m *manifest) protections() []datastore.Protection {
	var out []datastore.Protection
	if ns := m.Activities.DHIS.Namespace; ns != "" {
		both := []string{m.authority(), manageApps}
		slices.Sort(both)
		out = append(out, datastore.Protection{Namespace: ns, Reads: datastore.Restricted, Writes: datastore.Restricted, ReadAuthorities: both, WriteAuthorities: both})
	}
	for _, a := range m.Activities.DHIS.AdditionalNamespaces {
		p := datastore.Protection{Namespace: a.Namespace, Reads: datastore.Restricted, Writes: datastore.Free, WriteAuthorities: []string{}}
		if len(a.Authorities) > 0 {
			p.Writes, p.WriteAuthorities = datastore.Restricted, a.Authorities
		}
		p.ReadAuthorities = slices.Concat(a.Authorities, a.ReadOnlyAuthorities)
		slices.Sort(p.ReadAuthorities)
		p.ReadAuthorities = slices.Compact(p.ReadAuthorities)
		out = append(out, p)
	}
	return out
}
