package sandbox

import "fmt"

// words are the texts of a DHIS2 generation (contract 5).
type words struct{ minor int }

func (s *Sandbox) words() words { return words{s.minor} }

func (w words) old() bool { return w.minor <= 36 }

func (w words) created(key string) string {
	if w.old() {
		return fmt.Sprintf("Key '%s' created.", key)
	}
	return fmt.Sprintf("Key created: '%s'", key)
}

func (w words) updated(key string) string {
	if w.old() {
		return fmt.Sprintf("Key '%s' updated.", key)
	}
	return fmt.Sprintf("Key updated: '%s'", key)
}

func (w words) deleted(key, ns string) string {
	s := fmt.Sprintf("Key '%s' deleted from namespace '%s'", key, ns)
	if w.old() {
		s += "."
	}
	return s
}

func (w words) namespaceDeleted(ns string) string {
	if w.old() {
		return fmt.Sprintf("Namespace '%s' deleted.", ns)
	}
	return fmt.Sprintf("Namespace deleted: '%s'", ns)
}

func (w words) noNamespace(ns string) string {
	if w.old() {
		return fmt.Sprintf("The namespace '%s' was not found.", ns)
	}
	return fmt.Sprintf("Namespace not found: '%s'", ns)
}

func (w words) noKey(key, ns string) string {
	if w.old() {
		return fmt.Sprintf("The key '%s' was not found in the namespace '%s'.", key, ns)
	}
	return fmt.Sprintf("Key '%s' not found in namespace '%s'", key, ns)
}

func (w words) duplicate(key, ns string) string {
	if w.old() {
		return fmt.Sprintf("The key '%s' already exists on the namespace '%s'.", key, ns)
	}
	return fmt.Sprintf("Key '%s' already exists in namespace '%s'", key, ns)
}

func (w words) broken(key string) string {
	if w.old() {
		return "The data is not valid JSON."
	}
	return fmt.Sprintf("Invalid JSON value for key '%s'", key)
}

func (w words) protected(ns string) string {
	if w.old() {
		return fmt.Sprintf("The namespace '%s' is protected, and you don't have the right authority to access it.", ns)
	}
	return fmt.Sprintf("Namespace '%s' is protected, access denied", ns)
}

func (w words) denied(key, ns string) string {
	if w.old() {
		return fmt.Sprintf("You do not have the authority to access the key: '%s' in the namespace:'%s'", key, ns)
	}
	return fmt.Sprintf("Access denied for key '%s' in namespace '%s'", key, ns)
}

// code gives an errorCode only where DHIS2 had them: from 2.38 on.
func (w words) code(code string) string {
	if w.minor < 38 {
		return ""
	}
	return code
}

// ofUser are the texts of the userDataStore.
func (w words) userCreated(key, ns string) string {
	return fmt.Sprintf("Key '%s' in namespace '%s' created.", key, ns)
}

func (w words) userUpdated(key, ns string) string {
	if w.minor <= 37 {
		return fmt.Sprintf("Key '%s' in namespace '%s' updated.", key, ns)
	}
	return fmt.Sprintf("Key updated: '%s'", key)
}

func (w words) userDeleted(key, ns string) string {
	return fmt.Sprintf("Key '%s' deleted from the namespace '%s'.", key, ns)
}

func (w words) userNamespaceDeleted(ns string) string {
	if w.minor <= 39 {
		return fmt.Sprintf("All keys from namespace '%s' deleted.", ns)
	}
	return fmt.Sprintf("Namespace deleted: '%s'", ns)
}
