package pat

// access is DHIS2's eight characters of access to one object: read and write of
// metadata, then of data, then four that are not used ("rw------").
type access string

func (a access) reads() bool  { return len(a) > 0 && a[0] == 'r' }
func (a access) writes() bool { return len(a) > 1 && a[1] == 'w' }

const noAccess access = "--------"

// sharing is who may see an object, in DHIS2's members (2.44 Sharing.java).
type sharing struct {
	Owner      string            `json:"owner,omitempty"`
	Users      map[string]shared `json:"users"`
	UserGroups map[string]shared `json:"userGroups"`
	Public     access            `json:"public,omitempty"`
	External   bool              `json:"external,omitempty"`
}

type shared struct {
	ID     string `json:"id"`
	Access access `json:"access"`
}

// private is the sharing of a new token.
func private(owner Owner) sharing {
	return sharing{Owner: owner.UID, Users: map[string]shared{}, UserGroups: map[string]shared{}, Public: noAccess}
}
