package metrics_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/metrics"
)

func text(t *testing.T, all ...metrics.Family) string {
	t.Helper()
	var r metrics.Registry
	require.NoError(t, r.Register(all...))
	return string(r.Text())
}

func TestLabelsAndHelpAreEscaped(t *testing.T) {
	c := metrics.NewCounters("c", "one\ntwo \\ \"three\"", [1]string{"l"})
	c.With([1]string{"a\"b\\c\nd\xff"}).Inc()
	require.Equal(t, "# HELP c one\\ntwo \\\\ \"three\"\n# TYPE c counter\nc{l=\"a\\\"b\\\\c\\nd\uFFFD\"} 1\n", text(t, c))
}

func TestFamiliesSeriesAndLabelsAreSorted(t *testing.T) {
	b, a := metrics.NewCounters("b", "B.", [2]string{"z", "a"}), metrics.NewCounter("a", "A.")
	b.With([2]string{"2", "1"}).Add(3)
	b.With([2]string{"1", "2"}).Inc()
	b.With([2]string{"1", "1"}).Inc()
	require.Equal(t, `# HELP a A.
# TYPE a counter
a 0
# HELP b B.
# TYPE b counter
b{a="1",z="1"} 1
b{a="1",z="2"} 3
b{a="2",z="1"} 1
`, text(t, b, a))
}

func TestAFamilyWithoutSeriesIsLeftOut(t *testing.T) {
	require.Empty(t, text(t, metrics.NewCounters("a", "", [1]string{"l"}),
		metrics.GaugeFunc("b", "", func() (float64, error) { return 0, errors.New("not here") })))
}

func TestBucketsAreInclusiveCumulativeAndEndAtInfinity(t *testing.T) {
	h := metrics.NewHistograms("h_seconds", "H.", [1]string{"class"}, []float64{.5, 1, 2.5})
	for _, d := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond, 4 * time.Second} {
		h.With([1]string{"read"}).Observe(d)
	}
	require.Equal(t, `# HELP h_seconds H.
# TYPE h_seconds histogram
h_seconds_bucket{class="read",le="0.5"} 2
h_seconds_bucket{class="read",le="1"} 3
h_seconds_bucket{class="read",le="2.5"} 3
h_seconds_bucket{class="read",le="+Inf"} 4
h_seconds_sum{class="read"} 5.5
h_seconds_count{class="read"} 4
`, text(t, h))
}

func TestAHistogramIsShownBeforeItsFirstObservation(t *testing.T) {
	require.Equal(t, "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n",
		text(t, metrics.NewHistogram("h", "H.", []float64{1})))
}

func TestANameIsRegisteredOnceAndMustBeOne(t *testing.T) {
	var r metrics.Registry
	require.NoError(t, r.Register(metrics.NewCounter("a", "")))
	require.ErrorContains(t, r.Register(metrics.NewHistogram("a", "", nil)), "registered twice")
	require.ErrorContains(t, r.Register(metrics.NewCounter("a b", "")), "not a name")
}

func TestNothingIsLostWhenManyCountAtOnce(t *testing.T) {
	c := metrics.NewCounters("c", "C.", [2]string{"a", "b"})
	h := metrics.NewHistograms("h", "H.", [1]string{"a"}, []float64{1})
	var r metrics.Registry
	require.NoError(t, r.Register(c, h))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				c.With([2]string{string(rune('a' + (i+g)%7)), "x"}).Inc()
				h.With([1]string{string(rune('a' + i%3))}).Observe(time.Second)
				if i%100 == 0 {
					_ = r.Text()
				}
			}
		})
	}
	all.Wait()
	var counted, observed uint64
	for i := range 7 {
		one := c.With([2]string{string(rune('a' + i)), "x"})
		require.NotZero(t, one.Value())
		counted += one.Value()
	}
	for i := range 3 {
		observed += h.With([1]string{string(rune('a' + i))}).Count()
	}
	require.EqualValues(t, 4000, counted)
	require.EqualValues(t, 4000, observed)
	require.Contains(t, string(r.Text()), `h_sum{a="a"} 1336`)
}

func TestCountingWhatWasSeenBeforeAllocatesNothing(t *testing.T) {
	c := metrics.NewCounters("c", "", [3]string{"a", "b", "c"})
	h := metrics.NewHistograms("h", "", [1]string{"a"}, []float64{.001, .01, 1})
	count := func() {
		c.With([3]string{"route", "allow", ""}).Inc()
		h.With([1]string{"read"}).Observe(time.Millisecond)
	}
	count()
	require.Zero(t, testing.AllocsPerRun(100, count))
}

func TestAScrapeSaysItsFormat(t *testing.T) {
	var r metrics.Registry
	require.NoError(t, r.Register(metrics.Info("i", "I.", map[string]string{"b": "2", "a": "1"})))
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, "# HELP i I.\n# TYPE i gauge\ni{a=\"1\",b=\"2\"} 1\n", w.Body.String())
}

func TestAProcessIsReadFromProc(t *testing.T) {
	stat := "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 17 18 1000 4096 2 21\n"
	got := text(t, metrics.Process(fstest.MapFS{
		"self/stat":   {Data: []byte(stat)},
		"self/limits": {Data: []byte("Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 4096                 files\n")},
		"self/fd/0":   {}, "self/fd/1": {}, "self/fd/2": {},
		"stat": {Data: []byte("cpu 1 2\nbtime 1700000000\n")},
	})...)
	for _, line := range []string{"process_cpu_seconds_total 2", "process_start_time_seconds 1.70000001e+09", "process_virtual_memory_bytes 4096",
		"process_open_fds 2", "process_max_fds 1024", "process_resident_memory_bytes "} {
		require.Contains(t, got, "\n"+line)
	}
}

func TestWhatProcDoesNotSayIsLeftOut(t *testing.T) {
	for _, stat := range []string{"", "7 (d2gate) S 1", "7 d2gate"} {
		require.Empty(t, text(t, metrics.Process(fstest.MapFS{
			"self/stat":   {Data: []byte(stat)},
			"self/limits": {Data: []byte("Max open files            unlimited            unlimited            files\n")},
		})...), stat)
	}
}

func TestEveryMeasurementOfTheRuntimeIsThere(t *testing.T) {
	got := text(t, metrics.Runtime()...)
	require.Equal(t, len(metrics.Runtime()), strings.Count(got, "# TYPE "), got)
	require.Regexp(t, `(?m)^go_goroutines [1-9]`, got)
	require.Regexp(t, `(?m)^go_memstats_heap_alloc_bytes [1-9]`, got)
}
