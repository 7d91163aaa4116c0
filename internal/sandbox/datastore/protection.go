package datastore

import (
	"slices"
	"strings"
	"sync"
)

// Mode is how a namespace is closed to those without one of its authorities.
type Mode string

// The modes (DHIS2 DatastoreNamespaceProtection.ProtectionType).
const (
	Free       Mode = "NONE"
	Hidden     Mode = "HIDDEN"     // as if it were empty; writes succeed and store nothing
	Restricted Mode = "RESTRICTED" // refused
)

// Protection closes a namespace.
type Protection struct {
	Namespace        string   `json:"namespace"`
	Reads            Mode     `json:"reads"`
	Writes           Mode     `json:"writes"`
	ReadAuthorities  []string `json:"readAuthorities"`
	WriteAuthorities []string `json:"writeAuthorities"`
}

// builtIn are DHIS2's own namespaces (contract 5, "Built in").
func builtIn(minor int) []Protection {
	both := func(ns string, reads, writes Mode, authorities ...string) Protection {
		return Protection{ns, reads, writes, authorities, authorities}
	}
	out := []Protection{
		both("METADATASTORE", Hidden, Hidden, "F_METADATA_MANAGE"),
		both("ANDROID_SETTINGS_APP", Free, Restricted, "M_androidsettingsapp"),
		both("capture", Free, Restricted, "F_CAPTURE_DATASTORE_UPDATE"),
		both("ORG_UNIT_PROFILE", Free, Restricted, "ALL", "F_ORG_UNIT_PROFILE_ADD"),
		both("sms-config", Restricted, Restricted, "F_MOBILE_SENDSMS"),
	}
	if minor >= 44 {
		out = append(out, both("settings-translations", Restricted, Restricted, "F_SYSTEM_SETTING"))
	}
	return out
}

// protections are kept in memory: what apps add is added again at the next start.
type protections struct {
	mu   sync.RWMutex
	byNS map[string]Protection
}

func newProtections(minor int) *protections {
	p := &protections{byNS: map[string]Protection{}}
	for _, x := range builtIn(minor) {
		p.byNS[x.Namespace] = x
	}
	return p
}

// Protect closes a namespace, in place of what closed it before.
func (s *Service) Protect(p Protection) {
	s.closed.mu.Lock()
	defer s.closed.mu.Unlock()
	s.closed.byNS[p.Namespace] = p
}

// Unprotect opens a namespace.
func (s *Service) Unprotect(ns string) {
	s.closed.mu.Lock()
	defer s.closed.mu.Unlock()
	delete(s.closed.byNS, ns)
}

// ProtectionOf finds the protection of a namespace.
func (s *Service) ProtectionOf(ns string) (Protection, bool) {
	s.closed.mu.RLock()
	defer s.closed.mu.RUnlock()
	p, ok := s.closed.byNS[ns]
	return p, ok
}

// Protections are all of them by namespace.
func (s *Service) Protections() []Protection {
	s.closed.mu.RLock()
	defer s.closed.mu.RUnlock()
	out := make([]Protection, 0, len(s.closed.byNS))
	for _, p := range s.closed.byNS {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Protection) int { return strings.Compare(a.Namespace, b.Namespace) })
	return out
}

// reading is how the namespace meets a reader.
func (s *Service) reading(a Actor, ns string) Mode {
	p, ok := s.ProtectionOf(ns)
	if !ok || len(p.ReadAuthorities) == 0 || a.hasAny(p.ReadAuthorities) {
		return Free
	}
	return p.Reads
}

// writing is how the namespace meets a writer.
func (s *Service) writing(a Actor, ns string) Mode {
	p, ok := s.ProtectionOf(ns)
	if !ok || len(p.WriteAuthorities) == 0 || a.hasAny(p.WriteAuthorities) {
		return Free
	}
	return p.Writes
}
