package sandbox

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// stampOf prints an instant as DHIS2 does.
func stampOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") }

// owner is whose userDataStore is meant: one's own, or for a superuser that of
// username=.
func (c *call) owner() (string, error) {
	name := c.query.joined("username")
	if c.dialect.minor < 38 || strings.TrimSpace(name) == "" {
		return c.user.UID, nil
	}
	if !c.user.Super() {
		return "", problem.Plain409("Only superusers can read or write other users data using the `username` parameter.")
	}
	u, err := c.meta.UserByUsername(c.r.Context(), name)
	if errors.Is(err, metadata.ErrNoUser) {
		return "", problem.Plain409("No user with username %s exists.", name)
	}
	if err != nil {
		return "", err
	}
	return u.UID, nil
}

// asOwner finds the owner first.
func (c *call) asOwner(do func(owner string) error) error {
	owner, err := c.owner()
	if err != nil {
		return err
	}
	return do(owner)
}

func (c *call) listUserNamespaces() error {
	return c.asOwner(func(owner string) error {
		names, err := c.store.UserNamespaces(c.r.Context(), owner)
		if err != nil {
			return err
		}
		return c.json(http.StatusOK, names, noStore)
	})
}

func (c *call) readUserNamespace() error {
	if c.query.has("fields") && c.dialect.minor >= 38 {
		return c.readUserEntries()
	}
	return c.readUserKeys()
}

func (c *call) readUserKeys() error {
	return c.asOwner(func(owner string) error {
		since, err := c.query.since()
		if err != nil {
			return err
		}
		keys, err := c.store.UserKeys(c.r.Context(), owner, c.params[0], since)
		if err != nil {
			return err
		}
		return c.json(http.StatusOK, keys, noStore)
	})
}

func (c *call) readUserEntries() error {
	return c.asOwner(func(owner string) error {
		q, err := c.query.entries()
		if err != nil {
			return err
		}
		return c.stream(func(w http.ResponseWriter) error {
			return c.store.UserEntries(c.r.Context(), owner, c.params[0], q, w)
		})
	})
}

func (c *call) readUserValue() error {
	return c.asOwner(func(owner string) error {
		value, there, err := c.store.UserValue(c.r.Context(), owner, c.params[0], c.params[1])
		if err != nil {
			return err
		}
		return c.showValue(value, there)
	})
}

func (c *call) createUserEntry() error {
	return c.asOwner(func(owner string) error {
		encrypt, err := c.query.boolean("encrypt", false)
		if err != nil {
			return err
		}
		body, err := c.body(valueBody)
		if err != nil {
			return err
		}
		if body == "" {
			return missingValue("UserDatastoreController.addEntry(java.lang.String,java.lang.String,java.lang.String,java.lang.String,boolean)")
		}
		res, err := c.store.UserCreate(c.r.Context(), owner, c.params[0], c.params[1], body, encrypt)
		if err != nil {
			return err
		}
		return c.done(res.Status, res.Message)
	})
}

func (c *call) putUserEntry() error {
	return c.asOwner(func(owner string) error {
		u, err := c.update()
		if err != nil {
			return err
		}
		res, err := c.store.UserPut(c.r.Context(), owner, c.params[0], c.params[1], u)
		if err != nil {
			return err
		}
		return c.done(res.Status, res.Message)
	})
}

func (c *call) deleteUserEntry() error {
	return c.asOwner(func(owner string) error {
		res, err := c.store.UserDelete(c.r.Context(), owner, c.params[0], c.params[1])
		if err != nil {
			return err
		}
		return c.done(res.Status, res.Message)
	})
}

func (c *call) deleteUserNamespace() error {
	return c.asOwner(func(owner string) error {
		res, err := c.store.UserDeleteNamespace(c.r.Context(), owner, c.params[0])
		if err != nil {
			return err
		}
		return c.done(res.Status, res.Message)
	})
}
