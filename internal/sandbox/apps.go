package sandbox

import (
	"context"
	"crypto/md5" // #nosec G501 -- the key that makes browsers forget an old app
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// apps are what has been installed: of an app the manifest alone is kept, since
// that is what the dataStore depends on.
type apps struct {
	db    *sql.DB
	store *datastore.Service

	mu    sync.Mutex
	byKey map[string]*manifest
}

// openApps reads the installed apps and closes their namespaces.
func openApps(ctx context.Context, db *sql.DB, store *datastore.Service) (*apps, error) {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS sb_app (key TEXT PRIMARY KEY, manifest TEXT NOT NULL) WITHOUT ROWID`); err != nil {
		return nil, fmt.Errorf("create apps: %w", err)
	}
	a := &apps{db: db, store: store, byKey: map[string]*manifest{}}
	rows, err := db.QueryContext(ctx, `SELECT key, manifest FROM sb_app`)
	if err != nil {
		return nil, fmt.Errorf("read apps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, text string
		if err := rows.Scan(&key, &text); err != nil {
			return nil, fmt.Errorf("read apps: %w", err)
		}
		m, err := parseManifest([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("read app %s: %w", key, err)
		}
		a.byKey[key] = m
		a.protect(m)
	}
	return a, rows.Err()
}

func (a *apps) protect(m *manifest) {
	for _, p := range m.protections() {
		a.store.Protect(p)
	}
}

// install takes an app, in place of an older one of the same key. An older one's
// namespace stays closed until the next start, as in DHIS2. Error: 409.
func (a *apps) install(ctx context.Context, m *manifest) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range m.protections() {
		if a.taken(m.key(), p.Namespace) {
			return problem.Plain409("Namespace defined in manifest is already in use")
		}
	}
	b, err := json.Marshal(m.raw)
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	if _, err := a.db.ExecContext(ctx, `INSERT INTO sb_app (key, manifest) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET manifest = excluded.manifest`, m.key(), string(b)); err != nil {
		return fmt.Errorf("store app: %w", err)
	}
	a.byKey[m.key()] = m
	a.protect(m)
	return nil
}

// taken reports whether another app or DHIS2 itself has a namespace.
func (a *apps) taken(key, ns string) bool {
	for k, m := range a.byKey {
		if k != key && slices.ContainsFunc(m.protections(), func(p datastore.Protection) bool { return p.Namespace == ns }) {
			return true
		}
	}
	return false
}

// remove uninstalls an app and opens its namespaces; with data the entries of its
// main namespace go too. It returns false when there is no such app.
func (a *apps) remove(ctx context.Context, key string, data bool) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m, ok := a.byKey[key]
	if !ok {
		return false, nil
	}
	if _, err := a.db.ExecContext(ctx, `DELETE FROM sb_app WHERE key = ?`, key); err != nil {
		return false, fmt.Errorf("remove app: %w", err)
	}
	delete(a.byKey, key)
	for _, p := range m.protections() {
		a.store.Unprotect(p.Namespace)
	}
	if ns := m.Activities.DHIS.Namespace; data && ns != "" {
		return true, a.store.Purge(ctx, ns)
	}
	return true, nil
}

// list are the apps in the order of their names.
func (a *apps) list() []*manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.SortedFunc(maps.Values(a.byKey), func(x, y *manifest) int { return strings.Compare(x.Name, y.Name) })
}

// view is an app as GET /api/apps shows it: its manifest and what DHIS2 adds.
func (m *manifest) view() map[string]any {
	out := map[string]any{}
	for k, v := range m.raw {
		out[k] = v
	}
	sum := md5.Sum([]byte(m.key() + "|" + m.Version)) // #nosec G401 -- see the import
	added := map[string]any{
		"key": m.key(), "folderName": "apps/" + m.key(), "displayName": m.Name, "short_name": m.ShortName, "bundled": false, "core_app": false, "appState": "OK",
		"shortcuts": []any{}, "authorities": []any{}, "cacheBustKey": hex.EncodeToString(sum[:8]),
	}
	if a := m.activities(); a != nil {
		out["activities"] = a
	}
	if d, ok := m.raw["description"]; ok {
		added["displayDescription"] = d
	}
	for k, v := range added {
		if _, said := m.raw[k]; !said || k == "key" || k == "short_name" {
			out[k] = v
		}
	}
	return out
}
