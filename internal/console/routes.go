package console

import (
	"net/http"
)

// routes are the console's pages. Paths are canonical, without the context path.
func (c *Console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(*visit) error) {
		mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
			v := visitOf(r)
			v.r = r // with the path's values
			v.err = h(v)
		})
	}
	signedIn := func(h func(*visit, person) error) func(*visit) error {
		return func(v *visit) error { return v.asPerson(h) }
	}
	handle("GET /d2gate/static/console.css", static("text/css;charset=UTF-8", cssFile))
	handle("GET /d2gate/static/console.js", static("text/javascript;charset=UTF-8", jsFile))

	handle("GET /d2gate/sign-in", (*visit).signInPage)
	handle("POST /d2gate/sign-in", (*visit).signIn)
	handle("GET /d2gate/sign-in/{provider}", (*visit).leaveForProvider)
	handle("GET /d2gate/sign-in/{provider}/callback", (*visit).backFromProvider)
	handle("POST /d2gate/sign-out", (*visit).signOut)

	handle("GET /d2gate", func(v *visit) error { return v.goTo(c.base + "/d2gate/tokens") })
	handle("GET /d2gate/tokens", signedIn((*visit).tokensPage))
	handle("GET /d2gate/tokens/new", signedIn((*visit).newPage))
	handle("POST /d2gate/tokens/new", signedIn((*visit).newToken))
	handle("GET /d2gate/tokens/{uid}", signedIn((*visit).editPage))
	handle("POST /d2gate/tokens/{uid}", signedIn((*visit).editToken))
	handle("GET /d2gate/tokens/{uid}/rotate", signedIn((*visit).rotatePage))
	handle("POST /d2gate/tokens/{uid}/rotate", signedIn((*visit).rotateToken))
	handle("GET /d2gate/tokens/{uid}/revoke", signedIn((*visit).revokePage))
	handle("POST /d2gate/tokens/{uid}/revoke", signedIn((*visit).revokeToken))
	handle("GET /d2gate/tokens/{uid}/refusals", signedIn((*visit).refusalsPage))
	handle("GET /d2gate/tokens/applications", signedIn((*visit).applicationsPage))
	handle("POST /d2gate/tokens/applications", signedIn((*visit).endApplications))
	handle("GET /d2gate/clients", signedIn((*visit).clientsPage))
	handle("GET /", (*visit).nothing)
	return mux
}

// nothing says that there is no page at this address.
func (v *visit) nothing() error {
	return v.show(view{name: "problem", title: "problem", status: http.StatusNotFound,
		data: problem{Text: v.words.T("not_found"), Back: v.c.base + "/d2gate/tokens"}})
}

// Serve answers the console's own paths: /d2gate, /d2gate/sign-in, /d2gate/sign-out,
// /d2gate/tokens, /d2gate/clients and /d2gate/static, and what is below them. A
// returned error is a respond.Renderer: once it is on record its page is shown.
func (c *Console) Serve(w http.ResponseWriter, r *http.Request) error {
	return c.Wrap(func(w http.ResponseWriter, r *http.Request) error {
		v := visitOf(r)
		c.mux.ServeHTTP(w, v.r)
		return v.err
	})(w, r)
}
