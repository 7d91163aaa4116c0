package metrics

import "sync/atomic"

// Counter is one number that grows. Safe for concurrent use.
type Counter struct {
	of description
	n  atomic.Uint64
}

// NewCounter is a family of one series without labels.
func NewCounter(name, help string) *Counter {
	return &Counter{of: description{name, help, counterKind}}
}

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Add adds n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Value is what has been counted.
func (c *Counter) Value() uint64 { return c.n.Load() }

func (c *Counter) description() description { return c.of }
func (c *Counter) write(e *exposition)      { e.sample("", nil, float64(c.n.Load())) }

// Counters is a family of counters, one for each combination of label values seen.
type Counters[L Labels] struct {
	of     description
	series series[L, Counter]
}

// NewCounters is a family with these names of labels.
func NewCounters[L Labels](name, help string, labels L) *Counters[L] {
	return &Counters[L]{description{name, help, counterKind}, series[L, Counter]{names: labels, fresh: func() *Counter { return new(Counter) }}}
}

// With is the counter of these values, in the order of the names given to
// NewCounters.
func (c *Counters[L]) With(values L) *Counter { return c.series.with(values) }

func (c *Counters[L]) description() description { return c.of }

func (c *Counters[L]) write(e *exposition) {
	c.series.each(func(labels []label, one *Counter) { e.sample("", labels, float64(one.n.Load())) })
}
