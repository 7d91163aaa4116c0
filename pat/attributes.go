package pat

import (
	"encoding/json"
	"fmt"

	"github.com/d2gate/d2gate/constraints"
)

// wireAttribute is an attribute as DHIS2 sends and stores it: the type, and the
// list under a name of its own (DHIS2 2.44 ApiTokenAttribute and its subclasses).
type wireAttribute struct {
	Type             constraints.Kind `json:"type"`
	AllowedIPs       []string         `json:"allowedIps,omitzero"`
	AllowedMethods   []string         `json:"allowedMethods,omitzero"`
	AllowedReferrers []string         `json:"allowedReferrers,omitzero"`
	AllowedScopes    []string         `json:"allowedScopes,omitzero"`
}

// list returns the place of the values of a's kind, nil if the kind is unknown.
func (a *wireAttribute) list() *[]string {
	switch a.Type {
	case constraints.IPAllowedList:
		return &a.AllowedIPs
	case constraints.MethodAllowedList:
		return &a.AllowedMethods
	case constraints.RefererAllowedList:
		return &a.AllowedReferrers
	case constraints.ScopeAllowedList:
		return &a.AllowedScopes
	}
	return nil
}

func toWire(attributes []constraints.Attribute) ([]wireAttribute, error) {
	out := make([]wireAttribute, len(attributes))
	for i, a := range attributes {
		out[i].Type = a.Kind
		list := out[i].list()
		if list == nil {
			return nil, fmt.Errorf("attribute of unknown type %q", a.Kind)
		}
		*list = append([]string{}, a.Values...)
	}
	return out, nil
}

// EncodeAttributes gives the JSON text of attributes as DHIS2 keeps it in
// api_token.attributes: [{"type":"IpAllowedList","allowedIps":[…]},…].
func EncodeAttributes(attributes []constraints.Attribute) (string, error) {
	wire, err := toWire(attributes)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(wire)
	return string(b), err
}

// DecodeAttributes reads what EncodeAttributes wrote, or a row of DHIS2. An
// attribute or a value that cannot be understood is an error: a limit that is not
// understood must not be left out.
func DecodeAttributes(text string) ([]constraints.Attribute, error) {
	if text == "" {
		return nil, nil
	}
	var wire []wireAttribute
	if err := json.Unmarshal([]byte(text), &wire); err != nil {
		return nil, fmt.Errorf("read attributes: %w", err)
	}
	if len(wire) == 0 { // none is nil, however it was written
		return nil, nil
	}
	out := make([]constraints.Attribute, len(wire))
	for i := range wire {
		list := wire[i].list()
		if list == nil {
			return nil, fmt.Errorf("read attributes: unknown type %q", wire[i].Type)
		}
		a, err := constraints.ParseAttribute(wire[i].Type, *list)
		if err != nil {
			return nil, fmt.Errorf("read attributes: %w", err)
		}
		out[i] = a
	}
	return out, nil
}
