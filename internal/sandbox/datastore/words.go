package datastore

import (
	"fmt"
	"net/http"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// words are the texts of one generation (dhis2/contract.md 5; cases
// datastore-legacy-texts). codes are there since 2.38.
type words struct {
	minor int
}

func (w words) old() bool { return w.minor <= 36 }

func (w words) pick(old, now string, args ...any) string {
	if w.old() {
		return fmt.Sprintf(old, args...)
	}
	return fmt.Sprintf(now, args...)
}

func (w words) created(key string) string {
	return w.pick("Key '%s' created.", "Key created: '%s'", key)
}
func (w words) updated(key string) string {
	return w.pick("Key '%s' updated.", "Key updated: '%s'", key)
}
func (w words) deleted(ns, key string) string {
	return w.pick("Key '%s' deleted from namespace '%s'.", "Key '%s' deleted from namespace '%s'", key, ns)
}
func (w words) namespaceDeleted(ns string) string {
	return w.pick("Namespace '%s' deleted.", "Namespace deleted: '%s'", ns)
}

func (w words) problem(status int, code, message string) error {
	if w.minor <= 37 {
		code = ""
	}
	return problem.New(status, code, "%s", message)
}

func (w words) noNamespace(ns string) error {
	return w.problem(http.StatusNotFound, "E1005", w.pick("The namespace '%s' was not found.", "Namespace not found: '%s'", ns))
}

func (w words) noKey(ns, key string) error {
	return w.problem(http.StatusNotFound, "E1005", w.pick("The key '%s' was not found in the namespace '%s'.", "Key '%s' not found in namespace '%s'", key, ns))
}

func (w words) duplicate(ns, key string) error {
	return w.problem(http.StatusConflict, "E1004", w.pick("The key '%s' already exists on the namespace '%s'.", "Key '%s' already exists in namespace '%s'", key, ns))
}

func (w words) badJSON(key string) error {
	if w.old() {
		return w.problem(http.StatusBadRequest, "", "The data is not valid JSON.")
	}
	return w.problem(http.StatusBadRequest, "E1003", fmt.Sprintf("Invalid JSON value for key '%s'", key))
}

func (w words) protected(ns string) error {
	return problem.New(http.StatusForbidden, "", "%s", w.protectedText(ns))
}

func (w words) protectedText(ns string) string {
	return w.pick("The namespace '%s' is protected, and you don't have the right authority to access it.", "Namespace '%s' is protected, access denied", ns)
}

// unreadable carries a code, unwritable none.
func (w words) unreadable(ns, key string) error {
	return w.problem(http.StatusForbidden, "E1006", w.accessDenied(ns, key))
}

func (w words) unwritable(ns, key string) error {
	return problem.New(http.StatusForbidden, "", "%s", w.accessDenied(ns, key))
}

func (w words) accessDenied(ns, key string) string {
	return w.pick("You do not have the authority to access the key: '%s' in the namespace:'%s'", "Access denied for key '%s' in namespace '%s'", key, ns)
}

func (w words) userCreated(ns, key string) string {
	return fmt.Sprintf("Key '%s' in namespace '%s' created.", key, ns)
}

// userUpdated is a 201 up to 2.37.
func (w words) userUpdated(ns, key string) (int, string) {
	if w.minor <= 37 {
		return http.StatusCreated, fmt.Sprintf("Key '%s' in namespace '%s' updated.", key, ns)
	}
	return http.StatusOK, fmt.Sprintf("Key updated: '%s'", key)
}

func (w words) userDeleted(ns, key string) string {
	return fmt.Sprintf("Key '%s' deleted from the namespace '%s'.", key, ns)
}

func (w words) userNamespaceDeleted(ns string) string {
	if w.minor <= 39 {
		return fmt.Sprintf("All keys from namespace '%s' deleted.", ns)
	}
	return fmt.Sprintf("Namespace deleted: '%s'", ns)
}

// databaseConflict is a refusal by PostgreSQL that DHIS2 passes on.
func databaseConflict(message string) error { return problem.Plain409("%s", message) }

// queryFailed is an error that an entries query meets while it runs.
func queryFailed(text string) error {
	return problem.BadRequest("Unknown error when running the query: %s", text)
}
