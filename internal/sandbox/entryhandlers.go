package sandbox

import (
	"maps"
	"net/http"
	"slices"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// actor is the user as the dataStore sees them.
func (c *call) actor() datastore.Actor {
	return datastore.Actor{UID: c.user.UID, Groups: c.user.Groups, Authorities: c.user.Authorities}
}

func (c *call) listNamespaces() error {
	names, err := c.store.Namespaces(c.r.Context(), c.actor())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, names, noStore)
}

// listProtections is GET /api/dataStore/protections, since 2.43; before it is a
// namespace like any other.
func (c *call) listProtections() error {
	if c.dialect.minor < 43 {
		c.params = []string{"protections"}
		return c.readNamespace()
	}
	if !c.user.Has(manageApps) {
		return c.requires(manageApps)
	}
	if !c.query.has("namespace") {
		return c.taggedJSON(c.store.Protections())
	}
	p, ok := c.store.ProtectionOf(c.query.get("namespace"))
	if !ok {
		return c.text(http.StatusOK, "", "")
	}
	return c.taggedJSON(p)
}

// readNamespace is GET /{ns}: keys, or entries when fields is there.
func (c *call) readNamespace() error {
	if c.query.has("fields") && c.dialect.minor >= 38 {
		return c.readEntries()
	}
	return c.readKeys()
}

func (c *call) readKeys() error {
	since, err := c.query.since()
	if err != nil {
		return err
	}
	keys, err := c.store.Keys(c.r.Context(), c.actor(), c.params[0], since)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, keys, noStore)
}

func (c *call) readEntries() error {
	q, err := c.query.entries()
	if err != nil {
		return err
	}
	return c.stream(func(w http.ResponseWriter) error {
		return c.store.Entries(c.r.Context(), c.actor(), c.params[0], q, w)
	})
}

// stream answers with what write writes, which sets the status at its first byte,
// so that an error before it can still be told.
func (c *call) stream(write func(w http.ResponseWriter) error) error {
	w := &lateHeader{ResponseWriter: c.w, begin: func() {
		c.w.Header().Set("Content-Type", jsonUTF8)
		c.w.Header().Set("Cache-Control", noStore)
		c.guardName()
		c.w.WriteHeader(http.StatusOK)
	}}
	err := write(w)
	if err != nil && w.begun {
		panic(http.ErrAbortHandler) // the answer cannot be taken back, but it can be cut off
	}
	return err
}

// lateHeader sends the header with the first byte of the body.
type lateHeader struct {
	http.ResponseWriter
	begin func()
	begun bool
}

func (w *lateHeader) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.begin()
	}
	return w.ResponseWriter.Write(b)
}

func (c *call) readValue() error {
	value, there, err := c.store.Value(c.r.Context(), c.actor(), c.params[0], c.params[1])
	if err != nil {
		return err
	}
	return c.showValue(value, there)
}

// showValue prints a value; SQL's NULL is an empty body without a type.
func (c *call) showValue(value string, there bool) error {
	if !there {
		return c.text(http.StatusOK, "", "")
	}
	return c.tagged(jsonUTF8, value)
}

func (c *call) createEntry() error {
	encrypt, err := c.query.boolean("encrypt", false)
	if err != nil {
		return err
	}
	body, err := c.body(valueBody)
	if err != nil {
		return err
	}
	if body == "" {
		return missingValue("DatastoreController.addEntry(java.lang.String,java.lang.String,java.lang.String,boolean)")
	}
	res, err := c.store.Create(c.r.Context(), c.actor(), c.params[0], c.params[1], body, encrypt)
	if err != nil {
		return err
	}
	return c.done(res.Status, res.Message)
}

// update reads what a PUT wants; path and roll are there since 2.41.
func (c *call) update() (datastore.Update, error) {
	u := datastore.Update{}
	var err error
	if u.Encrypt, err = c.query.boolean("encrypt", false); err != nil {
		return u, err
	}
	if c.dialect.minor >= 41 {
		if u.Roll, err = c.query.argument("roll", 0); err != nil {
			return u, err
		}
		u.Rolls = c.query.get("roll") != ""
		u.Path = c.query.joined("path")
	}
	u.Body, err = c.body(valueBody)
	return u, err
}

func (c *call) putEntry() error {
	u, err := c.update()
	if err != nil {
		return err
	}
	res, err := c.store.Put(c.r.Context(), c.actor(), c.params[0], c.params[1], u)
	if err != nil {
		return err
	}
	return c.done(res.Status, res.Message)
}

func (c *call) deleteEntry() error {
	res, err := c.store.Delete(c.r.Context(), c.actor(), c.params[0], c.params[1])
	if err != nil {
		return err
	}
	return c.done(res.Status, res.Message)
}

func (c *call) deleteNamespace() error {
	res, err := c.store.DeleteNamespace(c.r.Context(), c.actor(), c.params[0])
	if err != nil {
		return err
	}
	return c.done(res.Status, res.Message)
}
