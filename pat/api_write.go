package pat

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

// longestBody bounds what is read of a body, in bytes.
const longestBody = 1 << 20

// longestCode is how long a code may be, in UTF-16 units (DHIS2 column code).
const longestCode = 50

// body reads a body of the media type. Faults: BodyTooLarge, RequestMalformed; 415
// for another type.
func (q *call) body(mediaType string) ([]byte, error) {
	if err := q.wantBody(mediaType); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(q.r.Body, longestBody+1))
	if err != nil {
		if f := fault.From(err); f != nil {
			return nil, f
		}
		return nil, fault.Wrap(fault.RequestMalformed, err)
	}
	if len(b) > longestBody {
		return nil, fault.New(fault.BodyTooLarge, "")
	}
	return b, nil
}

// payload reads the body of POST and PUT. What is wrong with it is told in
// Jackson's words.
func (q *call) payload() (payload, error) {
	b, err := q.body("application/json")
	if err != nil {
		return payload{}, err
	}
	n, err := dhis2.ParseNode(b)
	if err != nil {
		return payload{}, q.unreadable(err)
	}
	p, err := bindToken(n)
	if err != nil {
		return payload{}, q.misfit(err)
	}
	return p, nil
}

// unreadable is the 409 of a text that is no JSON. Of an empty one Jackson says
// that it does not fit.
func (q *call) unreadable(err error) error {
	bad, ok := errors.AsType[*dhis2.JSONError](err)
	switch {
	case !ok:
		return err
	case bad.Empty():
		return q.misfit(err)
	}
	return answer{bad.WebMessage()}
}

// misfit is the answer to JSON that is no token.
func (q *call) misfit(err error) error {
	if bad, ok := errors.AsType[*dhis2.JSONError](err); ok {
		return answer{dhis2.Error(q.words.unreadable, bad.Error(), "")}
	}
	return err
}

// create answers POST /api/apiToken: 201 with the token's text.
func (q *call) create() error {
	if err := q.caller.mayChange(); err != nil {
		return err
	}
	p, err := q.payload()
	if err != nil {
		return err
	}
	if p.null {
		//lint:ignore ST1005 DHIS2's words
		return invalid(errors.New(`Cannot invoke "` + klass + `.getExpire()" because "token" is null`))
	}
	d := Draft{Expiry: p.end()}
	if d.Attributes, err = parseAttributes(p.attributes); err != nil {
		return err
	}
	if d.UID, err = dhis2.NewUID(q.api.issuer.cfg.Random); err != nil {
		return err
	}
	q.uid = d.UID
	if p.code != nil {
		d.Code = *p.code
		if bad := checkCode(d.Code); bad != nil {
			return q.reported(*bad)
		}
	}
	r, tok, err := q.api.issuer.Issue(q.r.Context(), q.caller, d)
	if errors.Is(err, ErrDuplicate) {
		return q.taken(d.Code)
	}
	if err != nil {
		return err
	}
	report := dhis2.NewObjectResponse(klass, r.UID)
	report.Key, report.ResponseType = tok.Reveal(), q.words.made
	q.w.Header().Set("Location", q.api.publicURL()+apiPath+"/"+r.UID)
	q.w.Header().Set("Cache-Control", "no-store") // it holds the secret
	respond.Message(q.w, q.r, dhis2.Created("").WithResponse(report))
	return nil
}

// end is the expiry that was sent, zero if none was.
func (p payload) end() time.Time {
	if p.expire == nil {
		return time.Time{}
	}
	return time.UnixMilli(*p.expire).UTC()
}

// replace answers PUT /api/apiToken/{uid}: what may change takes the body's values,
// and what the body leaves out goes.
func (q *call) replace() error {
	if err := q.caller.mayChange(); err != nil {
		return err
	}
	p, err := q.payload()
	if err != nil {
		return err
	}
	return q.change(func(r *Record) error { return q.apply(r, p, false) })
}

// change edits the token and answers what came of it.
func (q *call) change(edit func(*Record) error) error {
	var code string
	_, err := q.api.issuer.Edit(q.r.Context(), q.caller, q.uid, func(r *Record) error {
		err := edit(r)
		code = r.Code
		return err
	})
	switch {
	case errors.Is(err, ErrDuplicate):
		return q.taken(code)
	case err != nil:
		return err
	case q.r.Method == http.MethodPatch && q.r.URL.Query().Get("importReportMode") == "ERRORS":
		respond.Message(q.w, q.r, dhis2.OK(""))
		return nil
	}
	return q.done()
}

// apply puts a whole payload into r. What is missing is a report; an endless token
// may stay without expiry.
func (q *call) apply(r *Record, p payload, endless bool) error {
	attributes, err := parseAttributes(p.attributes)
	if err != nil {
		return err
	}
	missing := p.missing(endless)
	code := ""
	if p.code != nil {
		code = *p.code
		if bad := checkCode(code); bad != nil {
			missing = append(missing, *bad)
		}
	}
	if len(missing) > 0 {
		return q.reported(missing...)
	}
	r.Code, r.Type, r.Version = code, *p.typ, *p.version
	r.Constraints = constraints.Set{Expiry: p.end(), Attributes: attributes}
	if p.sharing != nil {
		s, err := bindSharing(p.sharing)
		if err != nil {
			return err
		}
		return s.store(r)
	}
	return nil
}

// missing reports the required properties that were not sent.
func (p payload) missing(endless bool) (out []dhis2.ErrorReport) {
	for _, need := range []struct {
		name, class string
		there       bool
	}{
		{"type", typeClass, p.typ != nil},
		{"version", "java.lang.Integer", p.version != nil},
		{"expire", "java.lang.Long", p.expire != nil || endless},
	} {
		if !need.there {
			out = append(out, dhis2.ErrorReport{Message: "Missing required property `" + need.name + "`", Args: []string{need.name},
				MainKlass: klass, ErrorCode: "E4000", ErrorKlass: need.class, ErrorProperty: need.name, ErrorProperties: []any{need.name}})
		}
	}
	return out
}

// checkCode reports a code that is too long, or that no database can keep.
func checkCode(code string) *dhis2.ErrorReport {
	n := len(utf16.Encode([]rune(code)))
	for i := range len(code) {
		if code[i] == 0 {
			return &dhis2.ErrorReport{Message: "Property `code` holds a NUL character", Args: []string{"code"}, MainKlass: klass,
				ErrorCode: "E4003", ErrorKlass: "java.lang.String", ErrorProperty: "code", ErrorProperties: []any{"code"}}
		}
	}
	if n <= longestCode {
		return nil
	}
	return &dhis2.ErrorReport{
		Message:   "Maximum length of property `code`is " + strconv.Itoa(longestCode) + ", but given length was " + strconv.Itoa(n),
		Args:      []string{"code", strconv.Itoa(longestCode), strconv.Itoa(n)},
		MainKlass: klass, ErrorCode: "E4001", ErrorKlass: "java.lang.String", ErrorProperty: "code",
		ErrorProperties: []any{"code", longestCode, n},
	}
}

// taken is the 409 of a code that another token has.
func (q *call) taken(code string) error {
	have, err := q.api.issuer.cfg.Store.Tokens(context.WithoutCancel(q.r.Context()), Filter{Code: code, Limit: 1})
	if err != nil {
		return err
	}
	other := ""
	if len(have) > 0 { // it may have been revoked in between
		other = have[0].UID
	}
	object := "[" + q.uid + "] (ApiToken)"
	return q.reported(dhis2.ErrorReport{
		Message:   "Property `code` with value `" + code + "` on object " + object + " already exists on object " + other,
		Args:      []string{"code", code, object, other},
		MainKlass: klass, ErrorCode: "E5003", MainID: other, ErrorProperty: "code",
		ErrorProperties: []any{"code", code, object, other},
	})
}

// reported is a 409 with an ObjectReport.
func (q *call) reported(errors ...dhis2.ErrorReport) error {
	m := dhis2.Error(http.StatusConflict, dhis2.ErrorsInReport, "")
	return answer{m.WithResponse(dhis2.NewObjectResponse(klass, q.uid, errors...))}
}
