package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

const noManage = "You do not have manage access to this object."

// sharing is /api/sharing?type=&id=. The dataStore's entries are shared here,
// everything else by the metadata.
func (c *call) sharing() error {
	if err := c.query.required("type", "id"); err != nil {
		return err
	}
	if c.query.get("type") != "dataStore" {
		if c.meta.Owns(c.at.segments) {
			c.meta.ServeHTTP(c.w, c.r, c.user, c.at.segments)
			return nil
		}
		return problem.Plain409("Type %s is not supported.", c.query.get("type"))
	}
	e, err := c.store.ByUID(c.r.Context(), c.query.get("id"))
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return c.showSharing(e)
	}
	return c.share(e)
}

// shown is one entry of userAccesses and userGroupAccesses.
type shown struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Access      string `json:"access"`
}

func (c *call) showSharing(e datastore.Entry) error {
	if !e.Sharing.CanRead(c.actor()) {
		return problem.Forbidden(noManage)
	}
	public := e.Sharing.Public
	if public == "" {
		public = "rw------"
	}
	users, err := c.named(e.Sharing.Users, c.userName)
	if err != nil {
		return err
	}
	groups, err := c.named(e.Sharing.UserGroups, c.groupName)
	if err != nil {
		return err
	}
	object := map[string]any{"id": e.UID, "publicAccess": public, "userGroupAccesses": groups, "userAccesses": users}
	if name, err := c.userName(e.CreatedBy); err != nil {
		return err
	} else if name != "" {
		object["user"] = map[string]string{"id": e.CreatedBy, "name": name}
	}
	return c.taggedJSON(map[string]any{"meta": map[string]bool{"allowPublicAccess": true}, "object": object})
}

// named gives accesses the names of whom they are for; who is gone is left out.
func (c *call) named(accesses map[string]datastore.Access, nameOf func(uid string) (string, error)) ([]shown, error) {
	out := []shown{}
	for _, id := range sortedKeys(accesses) {
		name, err := nameOf(id)
		if err != nil {
			return nil, err
		}
		if name != "" {
			out = append(out, shown{id, name, name, accesses[id].Access})
		}
	}
	return out, nil
}

// userName is the name of a user, "" for none.
func (c *call) userName(uid string) (string, error) {
	u, err := c.meta.UserByUID(c.r.Context(), uid)
	if errors.Is(err, metadata.ErrNoUser) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return u.Name(), nil
}

// accessForm is an access text: metadata and data, each read and write.
var accessForm = regexp.MustCompile(`^(rw|r-|--)(rw|r-|--)----$`)

type accessEntry struct {
	ID     string `json:"id"`
	Access string `json:"access"`
}

// share is POST and PUT: the whole sharing is replaced; users and groups that do
// not exist are skipped. Who may write may share.
func (c *call) share(e datastore.Entry) error {
	body, err := c.body(smallBody)
	if err != nil {
		return err
	}
	var sent struct {
		Object struct {
			PublicAccess      string        `json:"publicAccess"`
			UserAccesses      []accessEntry `json:"userAccesses"`
			UserGroupAccesses []accessEntry `json:"userGroupAccesses"`
		} `json:"object"`
	}
	if json.Unmarshal([]byte(body), &sent) != nil {
		return problem.Plain409("%s", jacksonError(body))
	}
	if !e.Sharing.CanWrite(c.actor()) {
		return problem.Forbidden(noManage)
	}
	to := datastore.Sharing{Owner: e.Sharing.Owner, Public: sent.Object.PublicAccess}
	if to.Public != "" && !accessForm.MatchString(to.Public) {
		return problem.Plain409("Invalid public access string: %s", to.Public)
	}
	to.Public = withoutData(to.Public)
	if to.Users, err = c.accesses(sent.Object.UserAccesses, "user", c.userName); err != nil {
		return err
	}
	if to.UserGroups, err = c.accesses(sent.Object.UserGroupAccesses, "user group", c.groupName); err != nil {
		return err
	}
	if err := c.store.Share(c.r.Context(), e.UID, to); err != nil {
		return err
	}
	return c.done(http.StatusOK, "Access control set")
}

func (c *call) accesses(sent []accessEntry, what string, nameOf func(string) (string, error)) (map[string]datastore.Access, error) {
	out := map[string]datastore.Access{}
	for _, a := range sent {
		if !accessForm.MatchString(a.Access) {
			return nil, problem.Plain409("Invalid %s access string: %s", what, a.Access)
		}
		name, err := nameOf(a.ID)
		if err != nil {
			return nil, err
		}
		if name != "" {
			out[a.ID] = datastore.Access{Access: withoutData(a.Access), ID: a.ID}
		}
	}
	return out, nil
}

// withoutData cuts the bits about data, which an entry has not.
func withoutData(access string) string {
	if len(access) < 2 {
		return access
	}
	return access[:2] + strings.Repeat("-", 6)
}

// searchPeople is GET /api/sharing/search?key=: whom something may be shared with.
func (c *call) searchPeople() error {
	if err := c.query.required("key"); err != nil {
		return err
	}
	users, groups, err := c.meta.SearchPeople(c.r.Context(), c.query.get("key"))
	if err != nil {
		return err
	}
	return c.taggedJSON(map[string]any{"users": users, "userGroups": groups})
}
