package oauth2server

import (
	"errors"
	"io"
	"net/http"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

// create answers POST: 201 with the place of the new client, without its secret.
func (q *clientCall) create() error {
	n, err := q.body()
	if err != nil {
		return err
	}
	d, err := bindDraft(n)
	if err != nil {
		return err
	}
	c, err := q.api.registry.Register(q.r.Context(), q.caller.Owner, d)
	if err != nil {
		return err
	}
	q.w.Header().Set("Location", q.api.publicURL()+clientsPath+"/"+c.UID)
	respond.Message(q.w, q.r, dhis2.Created("").WithResponse(dhis2.NewObjectResponse(clientKlass, c.UID)))
	return nil
}

// replace answers PUT: what the body leaves out goes, but for the secret, which
// nobody can read to send it back.
func (q *clientCall) replace() error {
	n, err := q.body()
	if err != nil {
		return err
	}
	d, err := bindDraft(n)
	if err != nil {
		return err
	}
	return q.change(d, false)
}

func (q *clientCall) change(d Draft, forgetSecret bool) error {
	if _, err := q.api.registry.Change(q.r.Context(), q.caller.Owner, q.uid, d, forgetSecret); err != nil {
		return err
	}
	return q.done()
}

// remove answers DELETE: the client goes with its codes, tokens and consents.
func (q *clientCall) remove() error {
	if _, err := q.api.registry.cfg.Store.ClientByUID(q.r.Context(), q.uid); err != nil {
		return err
	}
	if _, err := q.api.registry.Remove(q.r.Context(), q.uid); err != nil {
		return err
	}
	return q.done()
}

func (q *clientCall) done() error {
	respond.Message(q.w, q.r, dhis2.OK("").WithResponse(dhis2.NewObjectResponse(clientKlass, q.uid)))
	return nil
}

// body reads JSON; what is no JSON is a 409 in Jackson's words.
func (q *clientCall) body() (*dhis2.Node, error) {
	b, err := q.text()
	if err != nil {
		return nil, err
	}
	n, err := dhis2.ParseNode(b)
	if bad, ok := errors.AsType[*dhis2.JSONError](err); ok {
		return nil, clientAnswer{bad.WebMessage()}
	}
	return n, err
}

// text reads a body of at most maxForm bytes. Faults: BodyTooLarge,
// RequestMalformed.
func (q *clientCall) text() ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(q.r.Body, maxForm+1))
	if err != nil {
		if f := fault.From(err); f != nil {
			return nil, f
		}
		return nil, fault.Wrap(fault.RequestMalformed, err)
	}
	if len(b) > maxForm {
		return nil, fault.New(fault.BodyTooLarge, "")
	}
	return b, nil
}

// bindDraft reads a client's JSON: unknown members are passed over.
func bindDraft(n *dhis2.Node) (d Draft, err error) {
	if n.Kind != dhis2.KindObject {
		return d, unfit("value")
	}
	for name, to := range map[string]*string{"id": &d.UID, "name": &d.Name, "cid": &d.CID, "secret": &d.Secret} {
		if err := bindText(n.Member(name), name, to); err != nil {
			return d, err
		}
	}
	for name, to := range map[string]*[]string{"grantTypes": &d.GrantTypes, "redirectUris": &d.RedirectURIs} {
		if err := bindTexts(n.Member(name), name, to); err != nil {
			return d, err
		}
	}
	return d, nil
}

func bindText(n *dhis2.Node, name string, to *string) error {
	switch {
	case n == nil || n.Kind == dhis2.KindNull:
		return nil
	case n.Kind != dhis2.KindString:
		return unfit(name)
	}
	*to = n.Text
	return nil
}

func bindTexts(n *dhis2.Node, name string, to *[]string) error {
	switch {
	case n == nil || n.Kind == dhis2.KindNull:
		return nil
	case n.Kind != dhis2.KindArray:
		return unfit(name)
	}
	for _, item := range n.Items {
		if item.Kind != dhis2.KindString {
			return unfit(name)
		}
		*to = append(*to, item.Text)
	}
	return nil
}

// unfit is the 409 of a value of the wrong kind. It does not repeat the value, which
// may be a secret.
func unfit(name string) error {
	return clientAnswer{dhis2.Error(http.StatusConflict, "Cannot deserialize `"+name+"` of `"+clientKlass+"`", "")}
}
