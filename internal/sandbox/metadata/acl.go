package metadata

import "slices"

// This file says who may do what with an object (DHIS2 2.44 DefaultAclService).

// canAccess reports whether the user holds one of the authorities; an empty list
// allows everybody.
func canAccess(u *User, authorities []string) bool {
	return len(authorities) == 0 || u.HasAny(authorities...)
}

// canCreate reports whether the user may create objects of the type.
func (s *schema) canCreate(u *User) bool {
	if u.Super() {
		return true
	}
	if !s.shareable {
		return canAccess(u, s.authority("CREATE"))
	}
	return canAccess(u, s.authority("CREATE_PUBLIC")) || canAccess(u, s.authority("CREATE_PRIVATE"))
}

// canMakePublic reports whether what the user creates is public by default.
func (s *schema) canMakePublic(u *User) bool {
	return u.Super() || s.shareable && len(s.authority("CREATE_PUBLIC")) > 0 && canAccess(u, s.authority("CREATE_PUBLIC"))
}

// canReadType reports whether the user may read objects of the type at all.
func (s *schema) canReadType(u *User) bool { return canAccess(u, s.authority("READ")) }

func (s *schema) canRead(u *User, doc document) bool {
	if u.Super() {
		return true
	}
	if !s.canReadType(u) {
		return false
	}
	return s.canSee(u, doc)
}

// canSee reports whether sharing lets the user read the object, whatever the
// authority for its type. A user group is seen by everybody (2.44, observed).
func (s *schema) canSee(u *User, doc document) bool {
	return u.Super() || s.singular == "userGroup" || !s.shareable || publicOf(doc) == "" || s.owns(u, doc) || s.shared(u, doc, 0, 'r')
}

func (s *schema) canWriteAct(u *User, doc document, acts ...string) bool {
	if u.Super() {
		return true
	}
	var names []string
	for _, a := range acts {
		if names = s.authority(a); len(names) > 0 {
			break
		}
	}
	if len(names) == 0 {
		names = append(append(names, s.authority("CREATE_PRIVATE")...), s.authority("CREATE_PUBLIC")...)
	}
	if !canAccess(u, names) {
		return s.implicitPrivate && s.owns(u, doc)
	}
	return !s.shareable || s.owns(u, doc) || s.shared(u, doc, 1, 'w')
}

func (s *schema) canWrite(u *User, doc document) bool { return s.canWriteAct(u, doc, "CREATE") }
func (s *schema) canUpdate(u *User, doc document) bool {
	return s.canWriteAct(u, doc, "UPDATE", "CREATE")
}
func (s *schema) canDelete(u *User, doc document) bool {
	return s.canWriteAct(u, doc, "DELETE", "CREATE")
}

// canManage reports whether the user may change the sharing.
func (s *schema) canManage(u *User, doc document) bool {
	if u.Super() {
		return true
	}
	may := canAccess(u, append(slices.Clone(s.authority("CREATE_PUBLIC")), s.authority("CREATE_PRIVATE")...))
	return s.shareable && (s.owns(u, doc) || may && s.shared(u, doc, 1, 'w'))
}

// canData reports whether the user may read or write data of the object.
func (s *schema) canData(u *User, doc document, i int, bit byte) bool {
	return u.Super() || s.owns(u, doc) || s.shared(u, doc, i, bit)
}

func sharingOf(doc document) map[string]any {
	m, _ := doc["sharing"].(map[string]any)
	return m
}

func publicOf(doc document) string {
	s, _ := sharingOf(doc)["public"].(string)
	return s
}

// owns reports whether the user is the owner by sharing.
func (s *schema) owns(u *User, doc document) bool {
	owner, _ := sharingOf(doc)["owner"].(string)
	return owner == "" || owner == u.UID
}

// shared reports whether public access or an access of the user or of one of the
// user's groups has the bit at place i ("rw" of metadata, then "rw" of data).
func (s *schema) shared(u *User, doc document, i int, bit byte) bool {
	has := func(access string) bool { return len(access) > i && access[i] == bit }
	sh := sharingOf(doc)
	if has(publicOf(doc)) {
		return true
	}
	if m, ok := sh["users"].(map[string]any); ok && has(accessOf(m[u.UID])) {
		return true
	}
	if m, ok := sh["userGroups"].(map[string]any); ok {
		for _, g := range u.Groups {
			if has(accessOf(m[g])) {
				return true
			}
		}
	}
	return false
}

func accessOf(v any) string {
	m, _ := v.(map[string]any)
	s, _ := m["access"].(string)
	return s
}

// access is the object's member access as the user sees it.
func (s *schema) access(u *User, doc document) map[string]any {
	a := map[string]any{
		"manage": s.canManage(u, doc), "write": s.canWrite(u, doc), "read": s.canRead(u, doc), "update": s.canUpdate(u, doc), "delete": s.canDelete(u, doc),
	}
	if s.dataShareable {
		a["data"] = map[string]any{"write": s.canData(u, doc, 3, 'w'), "read": s.canData(u, doc, 2, 'r')}
	}
	return a
}
