package oauth2server

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

const clientsPath = "/api/oAuth2Clients"

// ManageClients is the authority that DHIS2 asks for (2.41 OAuth2ClientSchemaDescriptor).
const ManageClients = "F_OAUTH2_CLIENT_MANAGE"

// ClientCaller is who asks about clients.
type ClientCaller struct {
	Owner   Owner // with the authorities that DHIS2 names
	Bearer  bool  // the credential is an OAuth2 access token
	Limited bool  // the credential carries a constraint besides expiry
}

func (c ClientCaller) may() bool {
	return slices.Contains(c.Owner.Authorities, ManageClients) || slices.Contains(c.Owner.Authorities, "ALL")
}

// mayChange refuses what would let a token widen itself: a client is a way to more
// tokens. Fault: ConstraintScope.
func (c ClientCaller) mayChange() error {
	switch {
	case c.Bearer:
		return fault.New(fault.ConstraintScope, "An access token cannot make, change or delete OAuth2 clients.").WithScheme(fault.Bearer)
	case c.Limited:
		return fault.New(fault.ConstraintScope, "A token with limits cannot make, change or delete OAuth2 clients.").WithScheme(fault.ApiToken)
	}
	return nil
}

// ClientsAPIConfig: the zero value of every optional field is a working default.
type ClientsAPIConfig struct {
	Registry *Registry // required
	// PublicURL is server.public_url with the context path, without a slash at the
	// end; nil or "" gives links without scheme and host.
	PublicURL func() string
}

// ClientsAPI is DHIS2's /api/oAuth2Clients up to 2.41: JSON only. A secret goes in
// and never comes out.
type ClientsAPI struct {
	registry  *Registry
	publicURL func() string
}

// NewClientsAPI checks its configuration.
func NewClientsAPI(cfg ClientsAPIConfig) (*ClientsAPI, error) {
	if cfg.Registry == nil {
		return nil, errors.New("oauth2server: NewClientsAPI: Registry is required")
	}
	if cfg.PublicURL == nil {
		cfg.PublicURL = func() string { return "" }
	}
	return &ClientsAPI{cfg.Registry, cfg.PublicURL}, nil
}

// ServeHTTP answers a request whose URL.Path is canonical: /api/oAuth2Clients and
// below. A fault that comes back is a refusal, and nothing has been written; all
// other answers are written here.
func (a *ClientsAPI) ServeHTTP(w http.ResponseWriter, r *http.Request, c ClientCaller) error {
	q := &clientCall{api: a, w: w, r: r, caller: c, uid: strings.Trim(strings.TrimPrefix(r.URL.Path, clientsPath), "/")}
	return q.settle(q.route())
}

// clientCall is one request on its way.
type clientCall struct {
	api    *ClientsAPI
	w      http.ResponseWriter
	r      *http.Request
	caller ClientCaller
	uid    string // "" for the collection
}

func (q *clientCall) route() error {
	method := q.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if strings.Contains(q.uid, "/") {
		return clientAnswer{dhis2.Error(http.StatusNotFound, "No endpoint "+q.r.Method+" "+q.r.URL.Path, "")}
	}
	switch {
	case method == http.MethodOptions:
		return q.allow()
	case q.uid == "" && method == http.MethodGet:
		return q.reading(q.list)
	case q.uid == "" && method == http.MethodPost:
		return q.writing("create", q.create)
	case q.uid == "":
	case method == http.MethodGet:
		return q.reading(q.show)
	case method == http.MethodPut:
		return q.writing("update", q.replace)
	case method == http.MethodPatch:
		return q.writing("update", q.patch)
	case method == http.MethodDelete:
		return q.writing("delete", q.remove)
	}
	return clientAnswer{dhis2.Error(http.StatusMethodNotAllowed, "Request method '"+q.r.Method+"' not supported", "")}
}

func (q *clientCall) reading(h func() error) error {
	if !q.caller.may() {
		return clientAnswer{dhis2.Forbidden("You don't have the proper permissions to read objects of this type.")}
	}
	if !acceptsJSON(q.r) {
		return notAcceptable(q.w)
	}
	return h()
}

func (q *clientCall) writing(verb string, h func() error) error {
	if err := q.caller.mayChange(); err != nil {
		return err
	}
	if !q.caller.may() {
		return clientAnswer{dhis2.Forbidden("You don't have the proper permissions to " + verb + " this object.")}
	}
	return h()
}

// clientAnswer is a DHIS2 message as an error: what a handler ends with early.
type clientAnswer struct{ message dhis2.WebMessage }

func (a clientAnswer) Error() string { return a.message.Message }

// settle writes what a handler ended with, and leaves refusals to the caller. What
// is neither came from the store.
func (q *clientCall) settle(err error) error {
	if err == nil {
		return nil
	}
	if f := fault.From(err); f != nil {
		return f
	}
	if a, ok := errors.AsType[clientAnswer](err); ok {
		respond.Message(q.w, q.r, a.message)
		return nil
	}
	if bad, ok := errors.AsType[*dhis2.QueryError](err); ok {
		respond.Message(q.w, q.r, bad.WebMessage())
		return nil
	}
	if d, ok := errors.AsType[*DraftError](err); ok {
		m := dhis2.Error(http.StatusConflict, dhis2.ErrorsInReport, "")
		respond.Message(q.w, q.r, m.WithResponse(dhis2.NewObjectResponse(clientKlass, q.uid, d.Reports...)))
		return nil
	}
	if errors.Is(err, ErrUnknown) {
		respond.Message(q.w, q.r, dhis2.NoSuchObject("OAuth2Client", q.uid))
		return nil
	}
	return fault.Wrap(fault.StoreUnavailable, err)
}
