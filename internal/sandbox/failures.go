package sandbox

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Rules of the lock-out (contract 3.3): so many failures lock a name until so
// long after the last of them.
const (
	lockAfter = 4
	lockFor   = 15 * time.Minute
	lockNames = 10_000 // names that are remembered
)

// failures counts failed attempts by name, in memory as DHIS2 does.
type failures struct {
	now func() time.Time

	mu     sync.Mutex
	byName *lru.Cache[string, attempts]
}

type attempts struct {
	count int
	last  time.Time
}

func newFailures(now func() time.Time) *failures {
	byName, err := lru.New[string, attempts](lockNames)
	if err != nil {
		panic(err) // lockNames is not positive
	}
	return &failures{now: now, byName: byName}
}

func (f *failures) add(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, _ := f.byName.Get(name)
	if f.now().Sub(a.last) >= lockFor {
		a.count = 0
	}
	f.byName.Add(name, attempts{a.count + 1, f.now()})
}

func (f *failures) clear(name string) {
	f.mu.Lock()
	f.byName.Remove(name)
	f.mu.Unlock()
}

// locked reports whether a name has failed too often of late.
func (f *failures) locked(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.byName.Get(name)
	return ok && a.count >= lockAfter && f.now().Sub(a.last) < lockFor
}
