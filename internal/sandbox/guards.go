package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"sync"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Protection modes of a namespace.
const (
	modeNone       = "NONE"
	modeHidden     = "HIDDEN"
	modeRestricted = "RESTRICTED"
)

// Protection reserves a namespace for holders of an authority (DHIS2
// DatastoreNamespaceProtection).
type Protection struct {
	Namespace        string   `json:"namespace"`
	Reads            string   `json:"reads"`
	Writes           string   `json:"writes"`
	ReadAuthorities  []string `json:"readAuthorities"`
	WriteAuthorities []string `json:"writeAuthorities"`

	app string // key of the app that declared it, "" for DHIS2's own
}

// guards are the protections in force.
type guards struct {
	mu sync.RWMutex
	by map[string]Protection
}

// builtIn are DHIS2's own (2.44).
func builtIn(minor int) []Protection {
	list := []Protection{
		{"METADATASTORE", modeHidden, modeHidden, []string{"F_METADATA_MANAGE"}, []string{"F_METADATA_MANAGE"}, ""},
		{"ANDROID_SETTINGS_APP", modeNone, modeRestricted, []string{"M_androidsettingsapp"}, []string{"M_androidsettingsapp"}, ""},
		{"capture", modeNone, modeRestricted, []string{"F_CAPTURE_DATASTORE_UPDATE"}, []string{"F_CAPTURE_DATASTORE_UPDATE"}, ""},
		{"ORG_UNIT_PROFILE", modeNone, modeRestricted, []string{"ALL", "F_ORG_UNIT_PROFILE_ADD"}, []string{"ALL", "F_ORG_UNIT_PROFILE_ADD"}, ""},
		{"sms-config", modeRestricted, modeRestricted, []string{"F_MOBILE_SENDSMS"}, []string{"F_MOBILE_SENDSMS"}, ""},
	}
	if minor >= 44 {
		list = append(list, Protection{"settings-translations", modeRestricted, modeRestricted, []string{"F_SYSTEM_SETTING"}, []string{"F_SYSTEM_SETTING"}, ""})
	}
	return list
}

func loadGuards(ctx context.Context, db *sql.DB, minor int) (*guards, error) {
	g := &guards{by: map[string]Protection{}}
	for _, p := range builtIn(minor) {
		g.by[p.Namespace] = p
	}
	rows, err := db.QueryContext(ctx, `SELECT manifest FROM sb_app ORDER BY key`)
	if err != nil {
		return nil, fmt.Errorf("read apps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("read apps: %w", err)
		}
		var m manifest
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return nil, fmt.Errorf("read app: %w", err)
		}
		for _, p := range m.protections() {
			g.by[p.Namespace] = p
		}
	}
	return g, rows.Err()
}

// Protect reserves a namespace until the process ends: for tests of what the
// built-in ones do not show.
func (s *Sandbox) Protect(namespace, reads, writes string, authorities []string) {
	if len(authorities) == 0 {
		reads, writes = modeNone, modeNone
	}
	s.guards.put(Protection{Namespace: namespace, Reads: reads, Writes: writes, ReadAuthorities: authorities, WriteAuthorities: authorities})
}

func (g *guards) put(p Protection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.by[p.Namespace] = p
}

func (g *guards) drop(app string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for ns, p := range g.by {
		if p.app == app {
			delete(g.by, ns)
		}
	}
}

func (g *guards) get(ns string) (Protection, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	p, ok := g.by[ns]
	return p, ok
}

func (g *guards) all() []Protection {
	g.mu.RLock()
	defer g.mu.RUnlock()
	out := []Protection{}
	for _, p := range g.by {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Namespace < out[j].Namespace })
	return out
}

// reads and writes give the mode that holds for a user: NONE where he may.
func (g *guards) reads(ns string, u *metadata.User) string {
	p, ok := g.get(ns)
	if !ok || u.HasAny(p.ReadAuthorities...) {
		return modeNone
	}
	return p.Reads
}

func (g *guards) writes(ns string, u *metadata.User) string {
	p, ok := g.get(ns)
	if !ok || u.HasAny(p.WriteAuthorities...) {
		return modeNone
	}
	return p.Writes
}

func protected(s *Sandbox, ns string) error {
	return problem.New(http.StatusForbidden, "", "%s", s.words().protected(ns))
}

func dsProtections(c *call) error {
	if err := c.need("M_dhis-web-app-management"); err != nil {
		return err
	}
	if ns := c.param("namespace"); ns != "" {
		p, ok := c.s.guards.get(ns)
		if !ok {
			return c.empty(http.StatusOK)
		}
		return c.json(http.StatusOK, p)
	}
	all := c.s.guards.all()
	slices.SortFunc(all, func(a, b Protection) int {
		if a.Namespace < b.Namespace {
			return -1
		}
		return 1
	})
	return c.json(http.StatusOK, all)
}
