package metadata

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Owns reports whether a path below /api, cut into decoded segments, is served by
// this package.
func (s *Service) Owns(segments []string) bool {
	return len(segments) > 0 && segments[0] == "me"
}

// ServeHTTP answers a request for a path that Owns knows, as user u.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request, u *User, segments []string) {
	var v any
	switch path := strings.Join(segments, "/"); {
	case path == "me":
		v = map[string]any{"id": u.UID, "username": u.Username, "firstName": u.FirstName, "surname": u.Surname, "name": u.Name(), "displayName": u.Name(), "email": u.Email, "authorities": u.Authorities, "twoFactorType": u.TwoFactor}
	case path == "me/authorities":
		v = u.Authorities
	case len(segments) == 3 && segments[1] == "authorities":
		v = u.Has(segments[2])
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v)
}
