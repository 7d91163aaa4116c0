package sandbox

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// call is one request on its way.
type call struct {
	*Sandbox
	w      http.ResponseWriter
	r      *http.Request
	at     target
	query  query
	user   *metadata.User // nil when nobody is signed in
	params []string       // what the {…} of the route stand for
	noBody bool           // the request has no body at all
}

// ServeHTTP is the whole story of a request: what the container refuses, where it
// may come from, whom it is for, what answers it.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Sandbox: s, w: w, r: r}
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

func (c *call) serve() (err error) {
	if c.at, err = c.readTarget(); err != nil { // 1. the container's firewall
		return err
	}
	if done, err := c.cors(); done || err != nil { // 2. foreign origins
		return err
	}
	if done, err := c.signIn(); done || err != nil { // 3. who is it
		return err
	}
	if c.query, err = readQuery(c.r.URL.RawQuery); err != nil { // 4. parameters
		return err
	}
	if !c.at.api {
		return c.outside() // 5. pages, of which there are none
	}
	return c.dispatch() // 6. the API
}

// dispatch finds what answers a path below /api: this package, or the metadata.
func (c *call) dispatch() error {
	if c.at.noVersion {
		return &problem.Page{Status: http.StatusNotFound}
	}
	e, params, allowed := c.routes.find(c.at.segments, c.r.Method)
	switch {
	case e != nil:
		c.params = params
		return c.run(e)
	case allowed != "" && c.r.Method == http.MethodOptions:
		c.w.Header().Set("Allow", allowed)
		c.w.WriteHeader(http.StatusOK)
		return nil
	case allowed != "":
		return c.badMethod()
	case c.user != nil && c.meta.Owns(c.at.segments):
		c.meta.ServeHTTP(c.w, c.r, c.user, c.at.segments)
		return c.forgetUser()
	}
	return &problem.Page{Status: http.StatusNotFound}
}

// forgetUser takes the userDataStore of a user who was just deleted with them.
func (c *call) forgetUser() error {
	if c.r.Method != http.MethodDelete || len(c.at.segments) != 2 || c.at.segments[0] != "users" {
		return nil
	}
	uid := c.at.segments[1]
	if _, err := c.meta.UserByUID(c.r.Context(), uid); !errors.Is(err, metadata.ErrNoUser) {
		return nil // still there; another error has nothing to do with the answer given
	}
	if err := c.store.ForgetOwner(c.r.Context(), uid); err != nil {
		slog.ErrorContext(c.r.Context(), "sandbox: entries of a deleted user stay", "uid", uid, "error", err)
	}
	return nil
}

func (c *call) badMethod() error {
	return problem.New(http.StatusMethodNotAllowed, "", c.dialect.badMethod, c.r.Method)
}

// run checks what an endpoint asks of a request in Spring's order, then answers.
func (c *call) run(e *endpoint) error {
	c.noBody = c.r.ContentLength == 0 || c.r.Body == nil || c.r.Body == http.NoBody
	if err := c.checkContentType(e); err != nil {
		return err
	}
	if err := c.checkAccept(e); err != nil {
		return err
	}
	if e.needs != "" && !c.user.Has(e.needs) {
		return c.requires(e.needs)
	}
	return e.handle(c)
}

// requires is the refusal of a user without an authority.
func (c *call) requires(authority string) error {
	if c.dialect.minor <= 41 {
		return problem.New(http.StatusForbidden, "", "%s", c.dialect.needsOne)
	}
	return problem.Requires(authority)
}

// fail answers an error: a page of the container, a WebMessage, or 500.
func (c *call) fail(err error) {
	if page, ok := errors.AsType[*problem.Page](err); ok {
		c.page(page)
		return
	}
	if p := problem.From(err); p != nil {
		c.refuse(p)
		return
	}
	if c.r.Context().Err() != nil {
		return // nobody is listening any more
	}
	slog.ErrorContext(c.r.Context(), "sandbox: request failed", "method", c.r.Method, "path", c.r.URL.Path, "error", err)
	c.page(&problem.Page{Status: http.StatusInternalServerError})
}
