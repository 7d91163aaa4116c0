package dhis2

import (
	"encoding/json"
)

// Node is a JSON value with its places, to be checked against a type.
type Node struct {
	Kind    Kind   // KindObject, KindArray, KindString, KindNumber, KindTrue, KindFalse or KindNull
	Text    string // of strings and numbers
	Members []NodeMember
	Items   []*Node
	At      Position // of the first character
	Close   Position // of the closing bracket; of a scalar the place behind it
}

// NodeMember is one member of an object. Of several with one name the last counts.
type NodeMember struct {
	Name  string
	At    Position
	Value *Node
}

// Member returns the last member of the name, nil if there is none.
func (n *Node) Member(name string) *Node {
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// Value is the node without places: nil, bool, string, json.Number, []any or
// *Object. Of members of one name the last counts, in the place of the first.
func (n *Node) Value() any {
	switch n.Kind {
	case KindObject:
		b := objectBuilder{o: &Object{Members: make([]Member, 0, len(n.Members))}}
		for _, m := range n.Members {
			b.put(m.Name, m.Value.Value())
		}
		return b.o
	case KindArray:
		l := make([]any, len(n.Items))
		for i, item := range n.Items {
			l[i] = item.Value()
		}
		return l
	}
	return scalar(n.Kind, n.Text)
}

func scalar(k Kind, text string) any {
	switch k {
	case KindString:
		return text
	case KindNumber:
		return json.Number(text)
	case KindTrue:
		return true
	case KindFalse:
		return false
	}
	return nil
}

// ParseNode reads the one value of a text. An empty text is Jackson's "No content
// to map due to end-of-input". What follows the value is not looked at, as in
// DHIS2. Errors are *JSONError.
func ParseNode(text []byte) (*Node, error) { return NewJSONTextReader(text).ReadNode() }

// ReadNode reads the next value with its places. Between tokens of an object or
// array that is open it returns nil when that ends.
func (r *JSONReader) ReadNode() (*Node, error) {
	t, err := r.Next()
	if err != nil {
		return nil, err
	}
	return r.node(t)
}

func (r *JSONReader) node(t Token) (*Node, error) {
	n := &Node{Kind: t.Kind, Text: t.Text, At: t.At}
	switch t.Kind {
	case KindEnd:
		return nil, errNoContent(t.At)
	case KindEndArray, KindEndObject:
		return nil, nil
	case KindObject, KindArray:
	default:
		n.Close = r.Position()
		return n, nil
	}
	for {
		t, err := r.Next()
		if err != nil {
			return nil, err
		}
		switch t.Kind {
		case KindEndObject, KindEndArray:
			n.Close = t.At
			return n, nil
		case KindName:
			v, err := r.ReadNode()
			if err != nil {
				return nil, err
			}
			n.Members = append(n.Members, NodeMember{t.Text, t.At, v})
		default:
			v, err := r.node(t)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, v)
		}
	}
}

// objectBuilder adds members that were read, of one name only the last, and stays
// fast however many there are.
type objectBuilder struct {
	o     *Object
	index map[string]int // by name, once there are many members
}

// indexed is how many members are looked through before an index is kept.
const indexed = 24

func (b *objectBuilder) put(name string, v any) {
	n := len(b.o.Members)
	if n < indexed {
		b.o.Set(name, v)
		return
	}
	if b.index == nil {
		b.index = make(map[string]int, 2*n)
		for i := range b.o.Members {
			b.index[b.o.Members[i].Name] = i
		}
	}
	if i, ok := b.index[name]; ok {
		b.o.Members[i].Value = v
		return
	}
	b.index[name] = n
	b.o.Members = append(b.o.Members, Member{name, v})
}
