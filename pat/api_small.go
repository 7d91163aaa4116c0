package pat

import (
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/respond"
)

const sharingClass = "org.hisp.dhis.user.sharing.Sharing"

// done writes the answer to a write: an ObjectReport without errors.
func (q *call) done() error {
	respond.Message(q.w, q.r, dhis2.OK("").WithResponse(dhis2.NewObjectResponse(klass, q.uid)))
	return nil
}

// revoke answers DELETE /api/apiToken/{uid}.
func (q *call) revoke() error {
	if err := q.api.issuer.Revoke(q.r.Context(), q.caller, q.uid); err != nil {
		return err
	}
	return q.done()
}

// access8 is what an access string looks like (DHIS2 2.44 AccessStringHelper).
var access8 = regexp.MustCompile(`^[r-][w-][r-][w-]-{4}$`)

// share answers PUT /api/apiToken/{uid}/sharing with 204. The body is a sharing
// object; who owns the token does not change with it.
func (q *call) share() error {
	body, err := q.body("application/json")
	if err != nil {
		return err
	}
	n, err := dhis2.ParseNode(body)
	if err != nil {
		return q.unreadable(err)
	}
	o, ok := n.Value().(*dhis2.Object)
	if !ok {
		return answer{dhis2.WrongBean(sharingClass, n).WebMessage()}
	}
	s, err := bindSharing(o)
	if err != nil {
		return err
	}
	_, err = q.api.issuer.Edit(q.r.Context(), q.caller, q.uid, func(r *Record) error { return s.store(r) })
	if err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// bindSharing reads and checks a sharing object.
func bindSharing(o *dhis2.Object) (s sharing, err error) {
	text, err := dhis2.AppendJSON(nil, o)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, answer{dhis2.Error(http.StatusConflict, "Cannot deserialize value of type `"+sharingClass+"`: "+err.Error(), "")}
	}
	return s, s.check()
}

func (s *sharing) check() error {
	accesses := []access{s.Public}
	for _, m := range []map[string]shared{s.Users, s.UserGroups} {
		for uid, who := range m {
			if !dhis2.IsUID(uid) {
				return answer{dhis2.Conflict("Invalid UID `" + uid + "` in sharing")}
			}
			who.ID = uid
			m[uid] = who
			accesses = append(accesses, who.Access)
		}
	}
	for _, a := range accesses {
		if a != "" && !access8.MatchString(string(a)) {
			return answer{dhis2.Conflict("Invalid access string: " + string(a))}
		}
	}
	return nil
}

// store puts s into r; the owner stays.
func (s sharing) store(r *Record) error {
	old := sharingOf(r)
	s.Owner = old.Owner
	if s.Public == "" {
		s.Public = noAccess
	}
	if s.Users == nil {
		s.Users = map[string]shared{}
	}
	if s.UserGroups == nil {
		s.UserGroups = map[string]shared{}
	}
	text, err := json.Marshal(s)
	r.Sharing = string(text)
	return err
}

// favorite answers that tokens are not among the favourites of DHIS2.
func (q *call) favorite(method string) error {
	switch method {
	case http.MethodPost, http.MethodDelete:
		if err := q.wantBody("application/json"); err != nil && method == http.MethodPost && q.words.strictType {
			return err
		}
		return answer{dhis2.Conflict("Objects of this class cannot be set as favorite")}
	}
	return q.notSupported()
}

// subscriber answers that nobody can subscribe to a token.
func (q *call) subscriber(method string) error {
	switch method {
	case http.MethodPost, http.MethodDelete:
		return answer{dhis2.Conflict("Objects of this class cannot be subscribed to")}
	}
	return q.notSupported()
}

// translate answers that a token has no texts to translate.
func (q *call) translate() error {
	if err := q.caller.mayChange(); err != nil {
		return err
	}
	if _, err := q.api.issuer.Find(q.r.Context(), q.caller, q.uid); err != nil {
		return err
	}
	m := dhis2.NewMessage(http.StatusConflict, dhis2.StatusWarning, dhis2.ErrorsInReport)
	return answer{m.WithResponse(dhis2.NewObjectResponse(klass, "", dhis2.ErrorReport{
		Message:   "Object type `ApiToken` is not translatable",
		Args:      []string{"ApiToken"},
		MainKlass: "org.hisp.dhis.translation.Translation", ErrorCode: "E1107", ErrorKlass: klass,
		ErrorProperties: []any{"ApiToken"},
	}))}
}
