package dhis2

import (
	"strconv"
	"strings"
)

// Bind reads a value into an object of a schema as Jackson does in DHIS2: members
// that the schema does not know are dropped, empty texts are null, numbers and
// texts are turned into one another where Java can. A null is a nil object. What
// does not fit is a *JSONError; a date that is none a *QueryError with status 400.
func Bind(n *Node, s *Schema, all Schemas) (*Object, error) {
	b := binder{all: all}
	v, err := b.bean(n, s, "")
	o, _ := v.(*Object)
	return o, err
}

type binder struct {
	all   Schemas
	chain []string
}

func (b *binder) fail(at Position, text string) error {
	return &JSONError{Text: text, At: at, Chain: strings.Join(b.chain, "->")}
}

// bean reads an object. Property names the property it stands in, for errors of
// subtypes.
func (b *binder) bean(n *Node, s *Schema, property string) (any, error) {
	if n.Kind == KindNull {
		return nil, nil
	}
	if len(s.Subtypes) > 0 {
		sub, err := b.subtype(n, s, property)
		if err != nil {
			return nil, err
		}
		s = sub
	}
	if n.Kind != KindObject {
		if n.Kind == KindString && n.Text == "" {
			return nil, nil
		}
		return nil, b.fail(n.At, wrongBean(s.Klass, n))
	}
	out := objectBuilder{o: &Object{Members: make([]Member, 0, len(n.Members))}}
	for i := range n.Members {
		m := &n.Members[i]
		p := s.Property(m.Name)
		if p == nil {
			continue
		}
		b.chain = append(b.chain, s.Klass+`["`+m.Name+`"]`)
		v, err := b.property(m.Value, p)
		if err != nil {
			return nil, err
		}
		b.chain = b.chain[:len(b.chain)-1]
		out.put(m.Name, v)
	}
	return out.o, nil
}

// subtype finds the schema that the member "type" names.
func (b *binder) subtype(n *Node, s *Schema, property string) (*Schema, error) {
	id := n.Member("type")
	if n.Kind != KindObject || id == nil {
		at := n.At
		if n.Kind == KindObject {
			at = n.Close
		}
		return nil, b.fail(at, "Could not resolve subtype of [simple type, class "+s.Klass+"]: missing type id property 'type' (for POJO property '"+property+"')")
	}
	for _, sub := range s.Subtypes {
		if sub.Singular == id.Text {
			return sub, nil
		}
	}
	return nil, b.fail(id.At, "Could not resolve type id '"+id.Text+"' as a subtype of `"+s.Klass+"`: known type ids = ["+strings.Join(s.TypeIDs, ", ")+"] (for POJO property '"+property+"')")
}

// wrongBean is Jackson's text for a value that is no object.
func wrongBean(klass string, n *Node) string {
	creator := "Cannot construct instance of `" + klass + "` (although at least one Creator exists): no "
	switch n.Kind {
	case KindString:
		return creator + "String-argument constructor/factory method to deserialize from String value ('" + n.Text + "')"
	case KindNumber:
		if strings.ContainsAny(n.Text, ".eE") {
			return creator + "double/Double-argument constructor/factory method to deserialize from Number value (" + n.Text + ")"
		}
		return creator + "int/Int-argument constructor/factory method to deserialize from Number value (" + n.Text + ")"
	case KindTrue, KindFalse:
		return creator + "boolean/Boolean-argument constructor/factory method to deserialize from boolean value (" + strconv.FormatBool(n.Kind == KindTrue) + ")"
	}
	return wrongToken(klass, n)
}

// WrongBean is the error for a value that cannot be an object of a Java class.
func WrongBean(klass string, n *Node) *JSONError {
	return &JSONError{Text: wrongBean(klass, n), At: n.At}
}

// WrongToken is the error for a kind of value that a Java type cannot be read from.
func WrongToken(javaType string, n *Node) *JSONError {
	return &JSONError{Text: wrongToken(javaType, n), At: n.At}
}

func wrongToken(javaType string, n *Node) string {
	kind, token := tokenName(n)
	return "Cannot deserialize value of type `" + javaType + "` from " + kind + " value (token `JsonToken." + token + "`)"
}

func tokenName(n *Node) (kind, token string) {
	switch n.Kind {
	case KindObject:
		return "Object", "START_OBJECT"
	case KindArray:
		return "Array", "START_ARRAY"
	case KindString:
		return "String", "VALUE_STRING"
	case KindTrue:
		return "Boolean", "VALUE_TRUE"
	case KindFalse:
		return "Boolean", "VALUE_FALSE"
	case KindNull:
		return "Null", "VALUE_NULL"
	}
	if strings.ContainsAny(n.Text, ".eE") {
		return "Floating-point", "VALUE_NUMBER_FLOAT"
	}
	return "Integer", "VALUE_NUMBER_INT"
}

// property reads one property's value.
func (b *binder) property(n *Node, p *Property) (any, error) {
	if n.Kind == KindNull {
		return nil, nil
	}
	switch p.Type {
	case TypeCollection:
		return b.collection(n, p)
	case TypeReference, TypeComplex:
		s := b.all.Of(p)
		if s == nil || s.Klass == "" || p.Type == TypeComplex && n.Kind != KindObject {
			return n.Value(), nil
		}
		return b.bean(n, s, p.Name)
	}
	if n.Kind == KindObject || n.Kind == KindArray {
		return nil, b.fail(n.At, wrongToken(p.bound(), n))
	}
	return b.scalar(n, p)
}

func (b *binder) collection(n *Node, p *Property) (any, error) {
	impl := "java.util.HashSet"
	if p.Klass == "java.util.List" || p.Klass == "" || p.Ordered {
		impl = "java.util.ArrayList"
	}
	s := b.all.Of(p)
	switch n.Kind {
	case KindArray:
	case KindString:
		if n.Text == "" {
			return nil, nil
		}
		return nil, b.fail(n.At, wrongBean(impl, n))
	default:
		if n.Kind == KindObject && p.Embedded && s == nil {
			return n.Value(), nil // a map
		}
		return nil, b.fail(n.At, wrongToken(impl+"<"+p.itemClass(s)+">", n))
	}
	out := make([]any, len(n.Items))
	for i, item := range n.Items {
		b.chain = append(b.chain, impl+"["+strconv.Itoa(i)+"]")
		v, err := b.item(item, p, s)
		if err != nil {
			return nil, err
		}
		b.chain = b.chain[:len(b.chain)-1]
		out[i] = v
	}
	return out, nil
}

func (b *binder) item(n *Node, p *Property, s *Schema) (any, error) {
	switch {
	case s != nil && s.Klass != "":
		return b.bean(n, s, p.Name)
	case p.Embedded || n.Kind == KindNull:
		return n.Value(), nil
	}
	item := &Property{Name: p.Name, Type: p.ItemType, Klass: p.ItemKlass, Constants: p.Constants, Boxed: true}
	return b.property(n, item)
}

func (p *Property) itemClass(s *Schema) string {
	if s != nil && s.Klass != "" {
		return s.Klass
	}
	item := Property{Type: p.ItemType, Klass: p.ItemKlass}
	return item.JavaClass()
}

// bound is how errors name the type of a property's value: the primitive unless it
// is boxed.
func (p *Property) bound() string {
	class := p.JavaClass()
	if p.Boxed {
		return class
	}
	switch class {
	case "java.lang.Integer":
		return "int"
	case "java.lang.Long", "java.lang.Double", "java.lang.Float", "java.lang.Boolean":
		return strings.ToLower(SimpleName(class))
	}
	return class
}
