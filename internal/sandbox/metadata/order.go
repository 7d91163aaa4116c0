package metadata

import (
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// order is one key of a sort.
type order struct {
	prop *property
	desc bool
	fold bool // ignoring case
}

// parseOrder reads order parameters: property:direction, several by comma. An
// unknown direction is ascending; an unknown property is a 400.
func (s *schema) parseOrder(params []string) ([]order, error) {
	var out []order
	for _, p := range params {
		for text := range strings.SplitSeq(p, ",") {
			name, dir, _ := strings.Cut(strings.TrimSpace(text), ":")
			if name == "" {
				continue
			}
			prop := s.byName[name]
			if prop == nil {
				return nil, problem.BadRequest("No such property: %s", name)
			}
			dir = strings.ToLower(dir)
			out = append(out, order{prop, dir == "desc" || dir == "idesc", dir == "iasc" || dir == "idesc"})
		}
	}
	return out, nil
}

// defaultOrder is by name ignoring case, then by uid.
func (s *schema) defaultOrder() []order {
	var out []order
	if p := s.byName["name"]; p != nil && !p.calc {
		out = append(out, order{prop: p, fold: true})
	}
	return append(out, order{prop: s.byName["id"]})
}

// found is an object in a list, with its sort keys.
type found struct {
	seq  int64
	uid  string
	keys []sortKey
}

// sortKey is a text or a number.
type sortKey struct {
	text   string
	number float64
	isNum  bool
	null   bool
}

func keyOf(r *renderer, s *schema, doc document, o order) sortKey {
	v := doc[o.prop.name]
	if o.prop.calc || v == nil && o.prop.calcOwner {
		if c, err := r.calculated(s, o.prop, doc, defaultNode("all")); err == nil {
			v = c
		}
	}
	if v == nil {
		return sortKey{null: true}
	}
	if n, ok := asFloat(v); ok {
		return sortKey{number: n, isNum: true}
	}
	text := plainText(v)
	if o.fold {
		text = strings.ToLower(text)
	}
	return sortKey{text: text}
}

func sortFound(list []found, orders []order) {
	slices.SortStableFunc(list, func(x, y found) int {
		for i, o := range orders {
			c := compareKeys(x.keys[i], y.keys[i])
			if o.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

// compareKeys puts what is null last, as PostgreSQL does.
func compareKeys(x, y sortKey) int {
	switch {
	case x.null || y.null:
		if x.null == y.null {
			return 0
		}
		if x.null {
			return 1
		}
		return -1
	case x.isNum:
		switch {
		case x.number < y.number:
			return -1
		case x.number > y.number:
			return 1
		}
		return 0
	}
	return strings.Compare(x.text, y.text)
}
