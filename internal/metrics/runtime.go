package metrics

import (
	"fmt"
	"runtime"
	"runtime/metrics"
)

// Runtime is what Go says about itself, under the names that Prometheus's own library
// gives it, so that dashboards made for any Go program fit.
func Runtime() []Family {
	return []Family{
		Info("go_info", "Information about the Go environment.", map[string]string{"version": runtime.Version()}),
		GaugeFunc("go_goroutines", "Number of goroutines that currently exist.", measured("/sched/goroutines:goroutines")),
		GaugeFunc("go_sched_gomaxprocs_threads", "Operating system threads that may execute Go code at the same time.", measured("/sched/gomaxprocs:threads")),
		GaugeFunc("go_gc_gogc_percent", "Growth of the heap that starts a collection (GOGC).", measured("/gc/gogc:percent")),
		GaugeFunc("go_gc_gomemlimit_bytes", "Memory limit of the Go runtime (GOMEMLIMIT).", measured("/gc/gomemlimit:bytes")),
		CounterFunc("go_gc_cycles_total_gc_cycles_total", "Completed collections.", measured("/gc/cycles/total:gc-cycles")),
		CounterFunc("go_memstats_alloc_bytes_total", "Bytes allocated in the heap until now, even if released already.", measured("/gc/heap/allocs:bytes")),
		GaugeFunc("go_memstats_alloc_bytes", "Bytes allocated in the heap and in use.", measured("/memory/classes/heap/objects:bytes")),
		GaugeFunc("go_memstats_heap_alloc_bytes", "Heap bytes allocated and in use.", measured("/memory/classes/heap/objects:bytes")),
		GaugeFunc("go_memstats_heap_objects", "Objects in the heap.", measured("/gc/heap/objects:objects")),
		GaugeFunc("go_memstats_heap_inuse_bytes", "Heap bytes in spans that are in use.", measured("/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes")),
		GaugeFunc("go_memstats_heap_released_bytes", "Heap bytes given back to the operating system.", measured("/memory/classes/heap/released:bytes")),
		GaugeFunc("go_memstats_stack_inuse_bytes", "Bytes of goroutine stacks.", measured("/memory/classes/heap/stacks:bytes")),
		GaugeFunc("go_memstats_next_gc_bytes", "Size of the heap at which the next collection takes place.", measured("/gc/heap/goal:bytes")),
		GaugeFunc("go_memstats_sys_bytes", "Bytes obtained from the operating system.", measured("/memory/classes/total:bytes")),
	}
}

// measured is the sum of these measurements of runtime/metrics.
func measured(names ...string) func() (float64, error) {
	return func() (float64, error) {
		samples := make([]metrics.Sample, len(names))
		for i, name := range names {
			samples[i].Name = name
		}
		metrics.Read(samples)
		var sum float64
		for _, s := range samples {
			if s.Value.Kind() != metrics.KindUint64 {
				return 0, fmt.Errorf("this Go does not measure %s", s.Name)
			}
			sum += float64(s.Value.Uint64())
		}
		return sum, nil
	}
}
