package metrics

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Histogram is how long something took, in seconds, in buckets. Safe for concurrent
// use.
type Histogram struct {
	of     description
	bounds []float64       // upper, inclusive, seconds, growing
	counts []atomic.Uint64 // of each bucket alone; one more than bounds, for +Inf
	sum    atomic.Uint64   // bits of a float64, seconds
}

// NewHistogram is a family of one series. Bounds are upper and inclusive, in seconds.
func NewHistogram(name, help string, bounds []float64) *Histogram {
	h := newBuckets(bounds)
	h.of = description{name, help, histogramKind}
	return h
}

func newBuckets(bounds []float64) *Histogram {
	bounds = slices.Sorted(slices.Values(bounds))
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe takes one duration.
func (h *Histogram) Observe(d time.Duration) {
	seconds := d.Seconds()
	i, _ := slices.BinarySearch(h.bounds, seconds)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+seconds)) {
			break
		}
	}
	h.counts[i].Add(1)
}

// Count is how many durations were taken.
func (h *Histogram) Count() uint64 {
	var n uint64
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

func (h *Histogram) description() description { return h.of }
func (h *Histogram) write(e *exposition)      { h.samples(e, nil) }

// samples are cumulative; the count is what the last bucket says, so that the two
// never differ.
func (h *Histogram) samples(e *exposition, labels []label) {
	var n uint64
	for i := range h.counts {
		n += h.counts[i].Load()
		bound := math.Inf(1)
		if i < len(h.bounds) {
			bound = h.bounds[i]
		}
		e.sample("_bucket", append(slices.Clip(labels), label{"le", number(bound)}), float64(n))
	}
	e.sample("_sum", labels, math.Float64frombits(h.sum.Load()))
	e.sample("_count", labels, float64(n))
}

// Histograms is a family of histograms, one for each combination of label values seen.
type Histograms[L Labels] struct {
	of     description
	series series[L, Histogram]
}

// NewHistograms is a family with these names of labels.
func NewHistograms[L Labels](name, help string, labels L, bounds []float64) *Histograms[L] {
	return &Histograms[L]{description{name, help, histogramKind}, series[L, Histogram]{names: labels, fresh: func() *Histogram { return newBuckets(bounds) }}}
}

// With is the histogram of these values, in the order of the names given to
// NewHistograms.
func (h *Histograms[L]) With(values L) *Histogram { return h.series.with(values) }

func (h *Histograms[L]) description() description { return h.of }

func (h *Histograms[L]) write(e *exposition) {
	h.series.each(func(labels []label, one *Histogram) { one.samples(e, labels) })
}
