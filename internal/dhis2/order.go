package dhis2

import (
	"cmp"
	"slices"
	"strings"
)

// Order is one part of an order: a property and its direction.
type Order struct {
	Property   *Property
	Descending bool
	IgnoreCase bool
}

// ParseOrder reads order parameters, prop:asc|desc|iasc|idesc, several by comma or
// by repetition. An unknown direction is asc. The error is DHIS2's 400.
func ParseOrder(params []string, s *Schema) ([]Order, error) {
	var list []Order
	for _, param := range params {
		for part := range strings.SplitSeq(param, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			name, direction, _ := strings.Cut(part, ":")
			p := s.Property(name)
			if p == nil {
				return nil, badParameter("No such property: %s", name)
			}
			direction = strings.ToLower(direction)
			o := Order{Property: p}
			o.Descending = direction == "desc" || direction == "idesc"
			o.IgnoreCase = direction == "iasc" || direction == "idesc"
			if p.Simple {
				list = append(list, o)
			}
		}
	}
	return list, nil
}

// defaultOrder is the normal engine's: by name ignoring case, then the newest
// first (DHIS2 Query.setDefaultOrder). The Gist engine orders by name alone.
func defaultOrder(s *Schema, gist bool) []Order {
	var list []Order
	if p := s.Property("name"); p != nil && p.Persisted {
		list = append(list, Order{Property: p, IgnoreCase: !gist})
	}
	if p := s.Property("created"); p != nil && p.Persisted && !gist {
		list = append(list, Order{Property: p, Descending: true})
	}
	return list
}

// sorted is an object with the values it is ordered by.
type sorted struct {
	object *Object
	keys   []key
}

// key is a value to order by; objects without one come last, or first when the
// direction is descending, as in PostgreSQL.
type key struct {
	there bool
	value operand
}

// newSorted reads the values of an object that orders need.
func newSorted(o *Object, orders []Order, s *Schema, docs Documents) (sorted, error) {
	e := sorted{o, make([]key, len(orders))}
	for i, by := range orders {
		v, err := docs.Value(s, o, by.Property)
		if err != nil {
			return e, err
		}
		e.keys[i].value, e.keys[i].there = valueOperand(classOf(by.Property), v)
		if by.IgnoreCase {
			e.keys[i].value.text = strings.ToLower(e.keys[i].value.text)
		}
	}
	return e, nil
}

// sortObjects orders in place; equal ones keep their order.
func sortObjects(list []sorted, orders []Order) {
	if len(orders) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b sorted) int {
		for i, by := range orders {
			c := a.keys[i].compare(b.keys[i])
			if by.Descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func (k key) compare(o key) int {
	if !k.there || !o.there {
		return cmp.Compare(btoi(!k.there), btoi(!o.there))
	}
	return k.value.compare(o.value)
}
