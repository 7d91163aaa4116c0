package pat

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// payload is what a body says of a token; nil where it says nothing, or null.
type payload struct {
	null       bool // the body is the value null
	code       *string
	expire     *int64 // milliseconds since 1970
	typ        *string
	version    *int
	attributes []listed
	hasList    bool // attributes was sent and is not null
	sharing    *dhis2.Node
}

// listed is one attribute as it was sent.
type listed struct {
	kind   string
	values []*string // nil for null, and for "", which DHIS2 reads as null
}

// misfit is a value that does not fit its Java class, in Jackson's words.
func misfit(at dhis2.Position, text string) *dhis2.JSONError {
	return &dhis2.JSONError{Text: text, At: at}
}

// in puts a step before the way to the value.
func in(step string, e *dhis2.JSONError) *dhis2.JSONError {
	if e.Chain != "" {
		step += "->" + e.Chain
	}
	e.Chain = step
	return e
}

func member(class, name string) string { return class + `["` + name + `"]` }

// bindToken reads a token's JSON as DHIS2 does: unknown members are passed over,
// and of a member that is sent twice the last counts.
func bindToken(n *dhis2.Node) (p payload, bad *dhis2.JSONError) {
	switch n.Kind {
	case dhis2.KindNull:
		return payload{null: true}, nil
	case dhis2.KindString:
		if n.Text == "" {
			return payload{null: true}, nil
		}
		return p, misfit(n.At, "Cannot construct instance of `"+klass+"` (although at least one Creator exists): "+
			"no String-argument constructor/factory method to deserialize from String value ('"+n.Text+"')")
	case dhis2.KindNumber:
		return p, misfit(n.At, "Cannot construct instance of `"+klass+"` (although at least one Creator exists): "+
			"no "+numberClass(n)+" constructor/factory method to deserialize from Number value ("+n.Text+")")
	case dhis2.KindObject:
	default:
		return p, cannot(klass, n)
	}
	for _, m := range n.Members {
		if bad = p.set(m.Name, m.Value); bad != nil {
			return p, in(member(klass, m.Name), bad)
		}
	}
	return p, nil
}

func (p *payload) set(name string, v *dhis2.Node) (bad *dhis2.JSONError) {
	switch name {
	case "code":
		p.code, bad = bindString(v)
	case "expire":
		p.expire, bad = bindLong(v)
	case "version":
		p.version, bad = bindInt(v)
	case "type":
		p.typ, bad = bindType(v)
	case "attributes":
		p.attributes, p.hasList, bad = bindAttributes(v)
	case "sharing":
		p.sharing = v
	}
	return bad
}

// cannot is a value of the wrong kind.
func cannot(class string, n *dhis2.Node) *dhis2.JSONError {
	value, token := "", ""
	switch n.Kind {
	case dhis2.KindObject:
		value, token = "Object", "START_OBJECT"
	case dhis2.KindArray:
		value, token = "Array", "START_ARRAY"
	case dhis2.KindString:
		value, token = "String", "VALUE_STRING"
	case dhis2.KindTrue:
		value, token = "Boolean", "VALUE_TRUE"
	case dhis2.KindFalse:
		value, token = "Boolean", "VALUE_FALSE"
	case dhis2.KindNumber:
		value, token = "Integer", "VALUE_NUMBER_INT"
		if strings.ContainsAny(n.Text, ".eE") {
			value, token = "Floating-point", "VALUE_NUMBER_FLOAT"
		}
	}
	return misfit(n.At, "Cannot deserialize value of type `"+class+"` from "+value+" value (token `JsonToken."+token+"`)")
}

func numberClass(n *dhis2.Node) string {
	if strings.ContainsAny(n.Text, ".eE") {
		return "double/Double-argument"
	}
	return "int/Int-argument"
}

// bindString reads text; numbers and booleans count as their text.
func bindString(n *dhis2.Node) (*string, *dhis2.JSONError) {
	switch n.Kind {
	case dhis2.KindNull:
		return nil, nil
	case dhis2.KindObject, dhis2.KindArray:
		return nil, cannot("java.lang.String", n)
	case dhis2.KindTrue, dhis2.KindFalse:
		text := strconv.FormatBool(n.Kind == dhis2.KindTrue)
		return &text, nil
	}
	if n.Text == "" {
		return nil, nil // DHIS2's EmptyStringToNullStdDeserializer
	}
	return &n.Text, nil
}

func bindLong(n *dhis2.Node) (*int64, *dhis2.JSONError) {
	v, null, bad := bindInteger(n, "java.lang.Long", "long", -1<<63, 1<<63-1)
	if null || bad != nil {
		return nil, bad
	}
	return &v, nil
}

func bindInt(n *dhis2.Node) (*int, *dhis2.JSONError) {
	v, null, bad := bindInteger(n, "java.lang.Integer", "int", -1<<31, 1<<31-1)
	if null || bad != nil {
		return nil, bad
	}
	i := int(v)
	return &i, nil
}

// bindInteger reads a whole number: digits in a string count, fractions are cut.
func bindInteger(n *dhis2.Node, class, primitive string, low, high int64) (v int64, null bool, bad *dhis2.JSONError) {
	switch n.Kind {
	case dhis2.KindNull:
		return 0, true, nil
	case dhis2.KindString:
		s := strings.TrimSpace(n.Text)
		if s == "" {
			return 0, true, nil
		}
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v < low || v > high {
			return 0, false, misfit(n.At, "Cannot deserialize value of type `"+class+"` from String \""+n.Text+"\": not a valid `"+class+"` value")
		}
		return v, false, nil
	case dhis2.KindNumber:
		v, ok := whole(n.Text)
		if !ok || v < low || v > high {
			return 0, false, misfit(n.Close, "Numeric value ("+n.Text+") out of range of "+primitive+
				" ("+strconv.FormatInt(low, 10)+" - "+strconv.FormatInt(high, 10)+")")
		}
		return v, false, nil
	}
	return 0, false, cannot(class, n)
}

// whole cuts the fraction of a JSON number; false if what is left is no int64.
func whole(text string) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return v, true
	}
	if !strings.ContainsAny(text, ".eE") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64) // bounds the exponent before big.Float sees it
	if err != nil || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	exact, _, err := big.ParseFloat(text, 10, 128, big.ToZero)
	if err != nil {
		return 0, false
	}
	i, _ := exact.Int(nil)
	return i.Int64(), i.IsInt64()
}
