package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
	"github.com/d2gate/d2gate/pat"
)

// problem is what the error page says.
type problem struct {
	Text    string
	Code    string // for a developer, "" for none
	Detail  string // as above
	Reason  string // fault, with a help page
	Back    string // where to go from here, "" for nowhere
	Retry   int    // seconds, 0 for none
	Request string // id
}

// refusal is an error that a page tells. The gateway records it first, and shows
// the page then (design 3.5).
type refusal struct {
	error
	v    *visit
	page view
}

var _ respond.Renderer = (*refusal)(nil)

// Unwrap returns the fault under which it is recorded.
func (r *refusal) Unwrap() error { return r.error }

// Render implements respond.Renderer.
func (r *refusal) Render(w http.ResponseWriter, _ *http.Request) { r.v.must(w, r.page) }

// must shows a page where no error can be returned any more.
func (v *visit) must(w http.ResponseWriter, page view) {
	if err := v.show(page); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// fail makes the page of an error. What is no fault is told without details.
func (v *visit) fail(err error) error {
	p, status := problem{Back: v.c.base + "/d2gate/tokens", Request: v.w.Header().Get("X-Request-Id")}, 0
	f := fault.From(err)
	switch {
	case errors.Is(err, errOutOfDate):
		p.Text, status = v.words.T("out_of_date"), http.StatusForbidden
		err = fault.New(fault.PolicyRefused, "").WithDetail(err.Error())
	case errors.Is(err, pat.ErrUnknown):
		p.Text = v.words.T("no_such_token")
		return v.show(view{name: "problem", title: "problem", status: http.StatusNotFound, data: p})
	case errors.Is(err, pat.ErrForbidden), errors.Is(err, errForbidden):
		p.Text, status = v.words.T("forbidden"), http.StatusForbidden
		err = fault.New(fault.PolicyRefused, "").WithDetail(err.Error())
	case f == nil:
		p.Text, status = v.words.T("internal"), http.StatusInternalServerError
	default:
		p.Text, p.Reason, status = f.Message, string(f.Reason), f.Reason.Status(false)
		p.Retry = v.retryAfter(f)
	}
	return &refusal{err, v, view{name: "problem", title: "problem", status: status, data: p}}
}

// errForbidden says that the page is for administrators, or for the owner.
var errForbidden = errors.New("not for this user")

// retryAfter sets the header and returns the seconds, 0 for none.
func (v *visit) retryAfter(f *fault.Fault) int {
	s := int((f.RetryAfter + time.Second - 1) / time.Second)
	if s > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(s))
	}
	return s
}
