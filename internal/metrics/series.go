package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Labels are the names of a family's labels, or their values for one series.
type Labels interface {
	[1]string | [2]string | [3]string
}

// series keeps one T for each combination of label values. Values seen before cost
// neither a lock nor an allocation; new ones copy the map, so they must be few.
type series[L Labels, T any] struct {
	names L
	fresh func() *T

	seen atomic.Pointer[map[L]*T] // never changed once it is here
	mu   sync.Mutex               // held to put another map in place
}

func (s *series[L, T]) with(values L) *T {
	if one := s.look()[values]; one != nil {
		return one
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.look()[values]; one != nil {
		return one
	}
	next, one := maps.Clone(s.look()), s.fresh()
	if next == nil {
		next = map[L]*T{}
	}
	next[values] = one
	s.seen.Store(&next)
	return one
}

func (s *series[L, T]) look() map[L]*T {
	if m := s.seen.Load(); m != nil {
		return *m
	}
	return nil
}

// each goes through the series in the order of their labels, which are sorted by
// name.
func (s *series[L, T]) each(do func([]label, *T)) {
	type row struct {
		labels []label
		one    *T
	}
	var rows []row
	for values, one := range s.look() {
		var labels []label
		for i := range len(values) {
			labels = append(labels, label{s.names[i], values[i]})
		}
		slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
		rows = append(rows, row{labels, one})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return slices.CompareFunc(a.labels, b.labels, func(x, y label) int { return strings.Compare(x.value, y.value) })
	})
	for _, r := range rows {
		do(r.labels, r.one)
	}
}
