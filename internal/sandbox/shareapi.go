package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// shared finds what /api/sharing is about: an entry of the dataStore. Other types
// are the object engine's.
func (c *call) shared() (entry, error) {
	kind, id := c.param("type"), c.param("id")
	if !c.query.Has("type") || !c.query.Has("id") {
		return entry{}, &problem.Page{Status: http.StatusBadRequest}
	}
	if kind != "dataStore" {
		return entry{}, problem.Conflict("Type %s is not supported.", kind)
	}
	e, err := scanEntry(c.s.db.QueryRowContext(c.r.Context(), `SELECT `+entryColumns+` FROM sb_entry WHERE uid = ?`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return e, problem.New(http.StatusNotFound, "", "Object of type %s with ID %s was not found.", kind, id)
	}
	if err != nil {
		return e, fmt.Errorf("look up entry: %w", err)
	}
	return e, nil
}

// mine hands /api/sharing of metadata to the object engine.
func (c *call) metadataSharing() bool {
	kind := c.param("type")
	return c.query.Has("type") && c.query.Has("id") && kind != "dataStore" && c.s.md.Owns([]string{"sharing"})
}

func sharingGet(c *call) error {
	if c.metadataSharing() {
		c.s.md.ServeHTTP(c.w, c.r, c.user, c.path.Segments)
		return nil
	}
	e, err := c.shared()
	if err != nil {
		return err
	}
	if !e.share.readable(c.user) {
		return problem.Forbidden("You do not have manage access to this object.")
	}
	type item struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
		Access      string `json:"access"`
	}
	var users, groups []item
	for id, a := range e.share.Users {
		if u, err := c.s.md.UserByUID(c.r.Context(), id); err == nil {
			users = append(users, item{id, u.Name(), u.Name(), a.Access})
		}
	}
	for id, a := range e.share.UserGroups {
		if name, ok := c.s.groupName(c.r.Context(), id); ok {
			groups = append(groups, item{id, name, name, a.Access})
		}
	}
	for _, l := range []*[]item{&users, &groups} {
		if *l == nil {
			*l = []item{}
		}
		sort.Slice(*l, func(i, j int) bool { return (*l)[i].Name < (*l)[j].Name })
	}
	public := "rw------"
	if e.share.Public != nil {
		public = *e.share.Public
	}
	object := map[string]any{"id": e.uid, "publicAccess": public, "userAccesses": users, "userGroupAccesses": groups}
	if u, err := c.s.md.UserByUID(c.r.Context(), e.createdBy); err == nil {
		object["user"] = map[string]any{"id": u.UID, "name": u.Name()}
	}
	return c.json(http.StatusOK, map[string]any{"meta": map[string]any{"allowPublicAccess": true}, "object": object})
}

func (s *Sandbox) groupName(ctx context.Context, uid string) (string, bool) {
	var name string
	err := s.db.QueryRowContext(ctx, `SELECT name FROM md_object WHERE type = 'userGroup' AND uid = ?`, uid).Scan(&name)
	return name, err == nil
}

func sharingSet(c *call) error {
	if c.metadataSharing() {
		c.s.md.ServeHTTP(c.w, c.r, c.user, c.path.Segments)
		return nil
	}
	e, err := c.shared()
	if err != nil {
		return err
	}
	if !e.share.writable(c.user) {
		return problem.Forbidden("You do not have manage access to this object.")
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	var in struct {
		Object struct {
			PublicAccess      *string  `json:"publicAccess"`
			UserAccesses      []access `json:"userAccesses"`
			UserGroupAccesses []access `json:"userGroupAccesses"`
		} `json:"object"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return problem.Plain409("%s", jackson(string(body), ""))
	}
	next := sharing{Owner: e.share.Owner, Users: map[string]access{}, UserGroups: map[string]access{}}
	if p := in.Object.PublicAccess; p != nil && *p != "" {
		cut, ok := validAccess(*p)
		if !ok {
			return problem.Conflict("Invalid public access string: %s", *p)
		}
		next.Public = &cut
	}
	for _, a := range in.Object.UserGroupAccesses {
		cut, ok := validAccess(a.Access)
		if !ok {
			return problem.Conflict("Invalid user group access string: %s", a.Access)
		}
		if _, known := c.s.groupName(c.r.Context(), a.ID); known {
			next.UserGroups[a.ID] = access{a.ID, cut}
		}
	}
	for _, a := range in.Object.UserAccesses {
		cut, ok := validAccess(a.Access)
		if !ok {
			return problem.Conflict("Invalid user access string: %s", a.Access)
		}
		if _, err := c.s.md.UserByUID(c.r.Context(), a.ID); err == nil {
			next.Users[a.ID] = access{a.ID, cut}
		}
	}
	if _, err := c.s.db.ExecContext(c.r.Context(), `UPDATE sb_entry SET sharing = ?, last_updated = ?, updated_by = ? WHERE uid = ?`, next.text(), c.s.stamp(), c.user.UID, e.uid); err != nil {
		return fmt.Errorf("store sharing: %w", err)
	}
	return c.said(http.StatusOK, "Access control set")
}

// validAccess checks an access string and cuts its data bits, which the dataStore
// has none of.
func validAccess(s string) (string, bool) {
	if len(s) != 8 {
		return "", false
	}
	for i, c := range s {
		want := byte('r')
		if i%2 == 1 {
			want = 'w'
		}
		if c != '-' && (i >= 4 || byte(c) != want) {
			return "", false
		}
	}
	return s[:2] + "------", true
}
