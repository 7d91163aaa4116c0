package proxy_test

import (
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

// watchHeap samples what the process holds of memory, without what it has given
// back, until the returned function is called, which gives the most it saw above
// the start, in bytes.
func watchHeap(t *testing.T) (peak func() uint64) {
	t.Helper()
	read := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64() - s[1].Value.Uint64()
	}
	base := read()
	most := base
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, read())
			case <-stop:
				return
			}
		}
	})
	return func() uint64 {
		close(stop)
		wg.Wait()
		return most - base
	}
}
