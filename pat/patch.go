package pat

import (
	"errors"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// missingBody is Spring's text for PATCH without a body.
const missingBody = "Required request body is missing: public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller." +
	"AbstractCrudController.patchObject(org.hisp.dhis.common.UID,java.util.Map<java.lang.String, java.lang.String>,org.hisp.dhis.user." +
	"UserDetails,org.hisp.dhis.commons.jackson.jsonpatch.JsonPatch) throws org.hisp.dhis.feedback.ForbiddenException,org.hisp.dhis.feedback." +
	"NotFoundException,org.hisp.dhis.commons.jackson.jsonpatch.JsonPatchException,org.hisp.dhis.feedback.ConflictException"

func badPatch(message string) error {
	return answer{dhis2.Error(http.StatusBadRequest, message, "")}
}

// parsePatch reads a patch. Errors are 400s in the words of Jackson and Spring.
func parsePatch(body []byte) ([]dhis2.PatchOperation, error) {
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil, badPatch(missingBody)
	}
	operations, err := dhis2.ParsePatch(body)
	if bad, ok := errors.AsType[*dhis2.JSONError](err); ok {
		return nil, badPatch(bad.Original())
	}
	return operations, err
}

// operations reads the body of a patch.
func (q *call) operations(body []byte) ([]dhis2.PatchOperation, error) {
	if !q.words.patchText {
		return parsePatch(body)
	}
	if _, err := dhis2.ParseNode(body); err != nil {
		return nil, q.unreadable(err)
	}
	operations, err := dhis2.ParsePatch(body)
	return operations, q.misfit(err)
}

// patch answers PATCH /api/apiToken/{uid}.
func (q *call) patch() error {
	if err := q.caller.mayChange(); err != nil {
		return err
	}
	body, err := q.body("application/json-patch+json")
	if err != nil {
		return err
	}
	operations, err := q.operations(body)
	if err != nil {
		return err
	}
	return q.change(func(r *Record) error {
		p, err := q.patchedPayload(r, operations)
		if err != nil {
			return err
		}
		endless := r.Constraints.Expiry.IsZero() && p.expire == nil
		return q.apply(r, p, endless)
	})
}

// patchedPayload is what a record says of itself after the operations.
func (q *call) patchedPayload(r *Record, operations []dhis2.PatchOperation) (payload, error) {
	o, err := dhis2.ApplyPatch(q.document(r), operations, schemaOf())
	if err != nil {
		return payload{}, queried(err)
	}
	p, err := bindToken(dhis2.NodeOf(o))
	if bad, ok := errors.AsType[*dhis2.JSONError](err); ok {
		return payload{}, badPatch(bad.InTree())
	}
	return p, err
}
