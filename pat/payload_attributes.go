package pat

import (
	"errors"
	"strings"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

// ours is the kind of attribute that DHIS2 does not have.
const ours = constraints.ScopeAllowedList

// validationOrder is the order in which DHIS2 looks at attributes (2.44
// ApiTokenController#validateTokenAttributes), and ours after them.
var validationOrder = [...]constraints.Kind{constraints.IPAllowedList, constraints.MethodAllowedList,
	constraints.RefererAllowedList, ours}

// parseAttributes checks every attribute, where DHIS2 checks the first of each kind.
// The error is DHIS2's 409 with the first bad value.
func parseAttributes(sent []any) ([]constraints.Attribute, error) {
	out := make([]constraints.Attribute, len(sent))
	for _, kind := range validationOrder {
		for i := range sent {
			o, ok := sent[i].(*dhis2.Object)
			if !ok {
				//lint:ignore ST1005 DHIS2's words
				return nil, invalid(errors.New(`Cannot invoke "` + attributeClass + `.getType()" because "attribute" is null`))
			}
			if o.Text("type") != string(kind) {
				continue
			}
			values, err := textsOf(kind, o.List(listName(kind)))
			if err == nil {
				out[i], err = constraints.ParseAttribute(kind, values)
			}
			if err != nil {
				return nil, invalid(err)
			}
		}
	}
	return out, nil
}

func invalid(err error) error {
	return answer{dhis2.Conflict("Failed to validate the token's attributes, message: " + err.Error())}
}

// textsOf gives the values in the order in which DHIS2 keeps them. A null, for
// which DHIS2 takes the empty text too, is an error that it words as its code
// happens to fail.
func textsOf(kind constraints.Kind, values []any) ([]string, error) {
	out := make([]string, 0, len(values))
	for _, v := range values {
		s, ok := v.(string)
		if !ok {
			return nil, nullValue(kind)
		}
		out = append(out, s)
	}
	switch kind {
	case ours:
		return out, nil // they keep their order
	case constraints.MethodAllowedList:
		for i := range out {
			out[i] = strings.ToUpper(out[i])
		}
	}
	return hashSetOrder(out), nil
}

func nullValue(kind constraints.Kind) error {
	switch kind {
	case constraints.IPAllowedList:
		//lint:ignore ST1005 DHIS2's words
		return errors.New(`Cannot invoke "String.split(String, int)" because "inet6Address" is null`)
	case constraints.MethodAllowedList:
		//lint:ignore ST1005 DHIS2's words
		return errors.New("Not a valid http method, value=null")
	case constraints.RefererAllowedList:
		//lint:ignore ST1005 DHIS2's words
		return errors.New("Not a valid referrer url, value=null")
	}
	//lint:ignore ST1005 DHIS2's words
	return errors.New("Not a valid scope, value=null")
}
