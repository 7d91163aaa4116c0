package sandbox

import (
	"encoding/json"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// sharing is who may see and change an entry, as DHIS2 stores it.
type sharing struct {
	Owner      string            `json:"owner,omitempty"`
	Users      map[string]access `json:"users"`
	UserGroups map[string]access `json:"userGroups"`
	Public     *string           `json:"public,omitempty"`
}

type access struct {
	ID     string `json:"id"`
	Access string `json:"access"`
}

func newSharing(owner string) sharing {
	public := "rw------"
	return sharing{Owner: owner, Users: map[string]access{}, UserGroups: map[string]access{}, Public: &public}
}

func (s sharing) text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and maps of strings
	}
	return string(b)
}

func parseSharing(text string) sharing {
	s := sharing{}
	_ = json.Unmarshal([]byte(text), &s) // written by text alone
	if s.Users == nil {
		s.Users = map[string]access{}
	}
	if s.UserGroups == nil {
		s.UserGroups = map[string]access{}
	}
	return s
}

// allows reports the metadata bit at position i (0 read, 1 write) for a user.
// Public access that was never set lets everybody (DHIS2 2.44 DefaultAclService).
func (s sharing) allows(u *metadata.User, i int, bit byte) bool {
	if u.Super() || s.Owner == u.UID || s.Public == nil || has(*s.Public, i, bit) {
		return true
	}
	if a, ok := s.Users[u.UID]; ok && has(a.Access, i, bit) {
		return true
	}
	for _, g := range u.Groups {
		if a, ok := s.UserGroups[g]; ok && has(a.Access, i, bit) {
			return true
		}
	}
	return false
}

func has(access string, i int, bit byte) bool { return len(access) > i && access[i] == bit }

func (s sharing) readable(u *metadata.User) bool { return s.allows(u, 0, 'r') }

func (s sharing) writable(u *metadata.User) bool { return s.allows(u, 1, 'w') }
