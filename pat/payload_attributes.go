package pat

import (
	"errors"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

const (
	typeClass      = "org.hisp.dhis.security.apikey.ApiTokenType"
	attributeClass = "org.hisp.dhis.security.apikey.ApiTokenAttribute"
	classes        = "org.hisp.dhis.security.apikey."
	// documented is what type was called up to 2.40 and is called in DHIS2's
	// documentation; newer servers refuse it, we take it for V1.
	documented = "PERSONAL_ACCESS_TOKEN"
)

func bindType(n *dhis2.Node) (*string, *dhis2.JSONError) {
	switch n.Kind {
	case dhis2.KindNull:
		return nil, nil
	case dhis2.KindString:
	default:
		return nil, cannot(typeClass, n)
	}
	v := n.Text
	switch v {
	case "":
		return nil, nil
	case documented:
		v = TypeV1
	case TypeV1, TypeV2:
	default:
		return nil, misfit(n.At, "Cannot deserialize value of type `"+typeClass+"` from String \""+v+
			"\": not one of the values accepted for Enum class: ["+TypeV1+", "+TypeV2+"]")
	}
	return &v, nil
}

func bindAttributes(n *dhis2.Node) (out []listed, ok bool, bad *dhis2.JSONError) {
	switch n.Kind {
	case dhis2.KindNull:
		return nil, false, nil
	case dhis2.KindArray:
	default:
		return nil, false, cannot("java.util.ArrayList<"+attributeClass+">", n)
	}
	for i, item := range n.Items {
		a, bad := bindAttribute(item)
		if bad != nil {
			return nil, false, in("java.util.ArrayList["+strconv.Itoa(i)+"]", bad)
		}
		out = append(out, a)
	}
	return out, true, nil
}

func bindAttribute(n *dhis2.Node) (a listed, bad *dhis2.JSONError) {
	kind, bad := attributeKind(n)
	if bad != nil {
		return a, bad
	}
	a.kind = kind
	list := listName(constraints.Kind(kind))
	for _, m := range n.Members {
		if m.Name != list {
			continue
		}
		if a.values, bad = bindSet(m.Value); bad != nil {
			return a, in(member(classes+kind, m.Name), bad)
		}
	}
	return a, nil
}

// attributeKind reads the member type, by which Jackson picks the class.
func attributeKind(n *dhis2.Node) (string, *dhis2.JSONError) {
	const missing = "Could not resolve subtype of [simple type, class " + attributeClass +
		"]: missing type id property 'type' (for POJO property 'attributes')"
	if n.Kind != dhis2.KindObject {
		return "", misfit(n.At, missing)
	}
	for _, m := range n.Members {
		if m.Name != "type" {
			continue
		}
		v := m.Value
		switch constraints.Kind(v.Text) {
		case constraints.IPAllowedList, constraints.MethodAllowedList, constraints.RefererAllowedList, constraints.ScopeAllowedList:
			return v.Text, nil
		}
		return "", misfit(v.At, "Could not resolve type id '"+v.Text+"' as a subtype of `"+attributeClass+
			"`: known type ids = [IpAllowedList, MethodAllowedList, RefererAllowedList] (for POJO property 'attributes')")
	}
	return "", misfit(n.Close, missing)
}

func bindSet(n *dhis2.Node) ([]*string, *dhis2.JSONError) {
	switch n.Kind {
	case dhis2.KindNull:
		return nil, nil
	case dhis2.KindArray:
	case dhis2.KindString:
		return nil, misfit(n.At, "Cannot construct instance of `java.util.HashSet` (although at least one Creator exists): "+
			"no String-argument constructor/factory method to deserialize from String value ('"+n.Text+"')")
	default:
		return nil, cannot("java.util.HashSet<java.lang.String>", n)
	}
	out := make([]*string, len(n.Items))
	for i, item := range n.Items {
		var bad *dhis2.JSONError
		if out[i], bad = bindString(item); bad != nil {
			return nil, in("java.util.HashSet["+strconv.Itoa(i)+"]", bad)
		}
	}
	return out, nil
}

// validationOrder is the order in which DHIS2 looks at attributes (2.44
// ApiTokenController#validateTokenAttributes), and ours after them.
var validationOrder = [...]constraints.Kind{constraints.IPAllowedList, constraints.MethodAllowedList,
	constraints.RefererAllowedList, constraints.ScopeAllowedList}

// parseAttributes checks every attribute, where DHIS2 checks the first of each kind.
// The error is DHIS2's 409 with the first bad value.
func parseAttributes(sent []listed) ([]constraints.Attribute, error) {
	out := make([]constraints.Attribute, len(sent))
	for _, kind := range validationOrder {
		for i, a := range sent {
			if constraints.Kind(a.kind) != kind {
				continue
			}
			values, err := textsOf(kind, a.values)
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

// textsOf gives the values in the order in which DHIS2 keeps them. A null is an
// error, which DHIS2 words as its code happens to fail.
func textsOf(kind constraints.Kind, values []*string) ([]string, error) {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if v == nil {
			return nil, nullValue(kind)
		}
		out = append(out, *v)
	}
	if kind == constraints.ScopeAllowedList {
		return out, nil // ours keep their order
	}
	if kind == constraints.MethodAllowedList {
		for i := range out {
			out[i] = strings.ToUpper(out[i])
		}
	}
	return hashSetOrder(out), nil
}

func nullValue(kind constraints.Kind) error {
	switch kind {
	case constraints.IPAllowedList:
		return errors.New(`Cannot invoke "String.split(String, int)" because "inet6Address" is null`)
	case constraints.MethodAllowedList:
		return errors.New("Not a valid http method, value=null")
	case constraints.RefererAllowedList:
		return errors.New("Not a valid referrer url, value=null")
	}
	return errors.New("Not a valid scope, value=null")
}
