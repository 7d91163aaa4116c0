package datastore

import "github.com/d2gate/d2gate/internal/sandbox/jsonb"

// shape is how the fields of an entry are nested when it is printed.
type shape struct {
	name     string
	field    int // index of the field, -1 for a member that only holds others
	children []*shape
}

// shapeOf nests fields by their aliases, in the order of first mention.
func shapeOf(fields []Field) *shape {
	root := &shape{field: -1}
	for i, f := range fields {
		at := root
		for _, name := range f.Alias[:len(f.Alias)-1] {
			at = at.holder(name)
		}
		at.children = append(at.children, &shape{name: f.Alias[len(f.Alias)-1], field: i})
	}
	return root
}

// holder finds or makes the member that holds others.
func (s *shape) holder(name string) *shape {
	for _, c := range s.children {
		if c.field < 0 && c.name == name {
			return c
		}
	}
	c := &shape{name: name, field: -1}
	s.children = append(s.children, c)
	return c
}

// pick takes the fields out of a value. any is false when none of them is there.
func pick(fields []Field, v jsonb.Value, there bool) (nodes []jsonb.Value, any bool) {
	nodes = make([]jsonb.Value, len(fields))
	for i, f := range fields {
		if n, ok := v.Get(f.Path); ok && there {
			nodes[i], any = n, true
		}
	}
	return nodes, any
}

// appendEntry prints `{"key":"a","name":…}`; what is missing is null.
func (s *shape) appendEntry(dst []byte, key string, nodes []jsonb.Value) []byte {
	dst = append(dst, `{"key":`...)
	dst = jsonb.Quote(dst, key)
	for _, c := range s.children {
		dst = append(dst, ',')
		dst = c.appendMember(dst, nodes)
	}
	return append(dst, '}')
}

func (s *shape) appendMember(dst []byte, nodes []jsonb.Value) []byte {
	dst = append(jsonb.Quote(dst, s.name), ':')
	if s.field >= 0 {
		return nodes[s.field].Append(dst)
	}
	dst = append(dst, '{')
	for i, c := range s.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.appendMember(dst, nodes)
	}
	return append(dst, '}')
}
