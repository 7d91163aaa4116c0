package metrics

import (
	"maps"
	"slices"
)

// shown is a number that somebody else keeps, asked for at each scrape.
type shown struct {
	of     description
	labels []label
	value  func() (float64, error)
}

// CounterFunc is a number that grows. It is left out when the function has an error.
func CounterFunc(name, help string, value func() (float64, error)) Family {
	return shown{description{name, help, counterKind}, nil, value}
}

// GaugeFunc is a number that goes up and down. It is left out when the function has an
// error.
func GaugeFunc(name, help string, value func() (float64, error)) Family {
	return shown{description{name, help, gaugeKind}, nil, value}
}

// Info is always 1; its labels say something.
func Info(name, help string, labels map[string]string) Family {
	s := shown{of: description{name, help, gaugeKind}, value: func() (float64, error) { return 1, nil }}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		s.labels = append(s.labels, label{k, labels[k]})
	}
	return s
}

func (s shown) description() description { return s.of }

func (s shown) write(e *exposition) {
	if v, err := s.value(); err == nil {
		e.sample("", s.labels, v)
	}
}
