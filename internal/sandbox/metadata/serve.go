package metadata

import "net/http"

// Owns reports whether a path below /api, cut into decoded segments, is served by
// this package.
func (s *Service) Owns(segments []string) bool {
	return len(segments) > 0 && segments[0] == "me"
}

// ServeHTTP answers a request for a path that Owns knows, as user u.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request, u *User, segments []string) {
	http.NotFound(w, r)
}
