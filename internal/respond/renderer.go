package respond

import "net/http"

// Renderer is an error that says itself in a form of its own, such as OAuth2's.
// It unwraps to the fault under which it is recorded; Render is called after that.
type Renderer interface {
	error
	Render(w http.ResponseWriter, r *http.Request)
}
