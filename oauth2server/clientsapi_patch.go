package oauth2server

import (
	"errors"
	"net/http"
	"slices"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// patch answers PATCH with a JSON Patch. Removing /secret makes a public client.
func (q *clientCall) patch() error {
	body, err := q.text()
	if err != nil {
		return err
	}
	ops, err := dhis2.ParsePatch(body)
	if bad, ok := errors.AsType[*dhis2.JSONError](err); ok {
		return clientAnswer{dhis2.Error(http.StatusBadRequest, bad.Original(), "")}
	}
	if err != nil {
		return err
	}
	c, err := q.api.registry.cfg.Store.ClientByUID(q.r.Context(), q.uid)
	if err != nil {
		return err
	}
	o, err := dhis2.ApplyPatch(q.document(c), ops, clientSchema())
	if err != nil {
		return err
	}
	d, err := bindDraft(dhis2.NodeOf(o))
	if err != nil {
		return err
	}
	forget := slices.ContainsFunc(ops, func(op dhis2.PatchOperation) bool { return op.Op == "remove" && op.Path[0] == "secret" })
	return q.change(d, forget)
}

// allow reports the methods of the collection or of one client.
func (q *clientCall) allow() error {
	methods := "GET,HEAD,POST,OPTIONS"
	if q.uid != "" {
		methods = "GET,HEAD,DELETE,PUT,PATCH,OPTIONS"
	}
	q.w.Header().Set("Allow", methods)
	q.w.WriteHeader(http.StatusOK)
	return nil
}
