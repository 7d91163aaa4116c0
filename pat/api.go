package pat

import (
	"errors"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

const (
	apiPath = "/api/apiToken"
	klass   = "org.hisp.dhis.security.apikey.ApiToken"
)

// APIConfig: the zero value of every optional field is a working default.
type APIConfig struct {
	Issuer *Issuer // required
	// PublicURL is server.public_url with the context path and without a slash at
	// the end. Links are made of it and never of what the request names. Nil or ""
	// gives links without scheme and host.
	PublicURL func() string
	// Release is the DHIS2 whose words are used, "2.41". Nil or "" gives the newest.
	Release func() string
}

// API is DHIS2's /api/apiToken (2.44 ApiTokenController and AbstractCrudController):
// JSON only, one object a token, and the text of a token in the answer that makes
// it and in no other. The transcripts of DHIS2 2.44 say what it answers, those of
// 2.41 how older ones word it.
type API struct {
	issuer    *Issuer
	publicURL func() string
	release   func() string
}

// NewAPI checks its configuration.
func NewAPI(cfg APIConfig) (*API, error) {
	if cfg.Issuer == nil {
		return nil, errors.New("pat: NewAPI: Issuer is required")
	}
	if cfg.PublicURL == nil {
		cfg.PublicURL = func() string { return "" }
	}
	if cfg.Release == nil {
		cfg.Release = func() string { return "" }
	}
	return &API{cfg.Issuer, cfg.PublicURL, cfg.Release}, nil
}

// ServeHTTP answers a request whose URL.Path is canonical: /api/apiToken and below,
// without API version, format suffix and slash at the end; RequestURI has the
// target as it was sent. A fault that comes back is a refusal, and nothing has been
// written; all other answers are written here.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request, c Caller) error {
	q := &call{api: a, w: w, r: r, caller: c, words: wordsOf(a.release())}
	rest := strings.Trim(strings.TrimPrefix(r.URL.Path, apiPath), "/")
	if rest != "" {
		q.segments = strings.Split(rest, "/")
		q.uid = q.segments[0]
	}
	return q.settle(q.route())
}

// call is one request on its way.
type call struct {
	api      *API
	w        http.ResponseWriter
	r        *http.Request
	caller   Caller
	words    *words
	segments []string // below /api/apiToken
	uid      string   // the first of them, "" if there is none
}

// route finds who answers, as Spring maps DHIS2's controller.
func (q *call) route() error {
	method := q.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch n := len(q.segments); {
	case n == 0:
		return q.collection(method)
	case n == 1 && q.uid == "gist":
		return q.only(method, http.MethodGet, q.gistList)
	case n == 1:
		return q.object(method)
	case n == 2:
		return q.part(method, q.segments[1])
	}
	return notMapped(q.r)
}

func (q *call) collection(method string) error {
	if method == http.MethodPost && !acceptsJSON(q.r) {
		return notAcceptable(q.w) // before a token is made whose text would not arrive
	}
	switch method {
	case http.MethodGet:
		return q.list()
	case http.MethodPost:
		return q.create()
	case http.MethodOptions:
		return q.allow("GET,HEAD,POST,OPTIONS")
	}
	return q.notSupported()
}

func (q *call) object(method string) error {
	if !dhis2.IsUID(q.uid) {
		return q.noUID(method)
	}
	switch method {
	case http.MethodGet:
		return q.show()
	case http.MethodPut:
		return q.replace()
	case http.MethodPatch:
		return q.patch()
	case http.MethodDelete:
		return q.revoke()
	case http.MethodOptions:
		return q.allow("GET,HEAD,DELETE,PUT,PATCH,OPTIONS")
	}
	return q.notSupported()
}

// noUID answers a path whose id is no uid: GET is not mapped, the others say what a
// uid is. Before 2.42 nobody has such a one.
func (q *call) noUID(method string) error {
	switch {
	case !q.words.strictUID:
		return ErrUnknown
	case method == http.MethodPut, method == http.MethodPatch, method == http.MethodDelete:
		return answer{dhis2.BadUIDParameter(q.uid)}
	}
	return q.notSupported()
}

// part answers what is below one token.
func (q *call) part(method, name string) error {
	if !dhis2.IsUID(q.uid) {
		return answer{dhis2.BadUIDParameter(q.uid)}
	}
	switch name {
	case "sharing":
		if method == http.MethodPut {
			return q.share()
		}
	case "gist":
		return q.only(method, http.MethodGet, q.gistOne)
	case "favorite":
		return q.favorite(method)
	case "subscriber":
		return q.subscriber(method)
	case "translations":
		if method == http.MethodPut {
			return q.translate()
		}
	}
	return q.only(method, http.MethodGet, func() error { return q.property(name) })
}

func (q *call) only(method, want string, h func() error) error {
	if method != want {
		return q.notSupported()
	}
	return h()
}

func (q *call) allow(methods string) error {
	q.w.Header().Set("Allow", methods)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// answer is a DHIS2 message as an error: what a handler ends with early.
type answer struct{ message dhis2.WebMessage }

func (a answer) Error() string { return a.message.Message }

func notMapped(r *http.Request) error {
	return answer{dhis2.Error(http.StatusNotFound, "No endpoint "+r.Method+" "+r.URL.Path, "")}
}

// settle writes what a handler ended with, and leaves refusals to the caller. What
// is neither came from the store.
func (q *call) settle(err error) error {
	if err == nil {
		return nil
	}
	if a, ok := errors.AsType[answer](err); ok {
		respond.Message(q.w, q.r, a.message)
		return nil
	}
	if f := fault.From(err); f != nil {
		return f
	}
	if rule, ok := errors.AsType[*RuleError](err); ok {
		respond.Message(q.w, q.r, dhis2.Conflict(rule.Message))
		return nil
	}
	switch {
	case errors.Is(err, ErrUnknown):
		respond.Message(q.w, q.r, dhis2.NoSuchObject("ApiToken", q.uid))
		return nil
	case errors.Is(err, ErrForbidden):
		respond.Message(q.w, q.r, dhis2.Forbidden("You don't have the proper permissions to "+q.doing()+" this object."))
		return nil
	}
	return fault.Wrap(fault.StoreUnavailable, err)
}

func (q *call) doing() string {
	if q.r.Method == http.MethodDelete {
		return "delete"
	}
	return "update"
}
