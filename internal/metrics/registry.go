// Package metrics answers what a process has counted, in the words of Prometheus
// (text format 0.0.4). It counts and shows; what is counted, and under which name,
// its callers say. It has no protobuf, no summaries and no exemplars, and every label
// takes its values from a small set: never a token, a user, an address or a path.
// Read registry.go first, then counter.go.
package metrics

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// ContentType of the text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// The kinds of family.
const (
	counterKind   = "counter"
	gaugeKind     = "gauge"
	histogramKind = "histogram"
)

// Family is all series under one name. Safe for concurrent use.
type Family interface {
	description() description
	write(*exposition)
}

type description struct{ name, help, kind string }

// Registry is the families of one process. The zero value is empty and ready to use.
type Registry struct {
	mu       sync.RWMutex
	families []Family // by name
}

var validName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// Register adds families. An error says that a name is no metric name or is taken
// already; those before it stay.
func (r *Registry) Register(all ...Family) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range all {
		name := f.description().name
		if !validName.MatchString(name) {
			return fmt.Errorf("%q is not a name of a metric", name)
		}
		i, taken := slices.BinarySearchFunc(r.families, name, func(f Family, name string) int {
			return strings.Compare(f.description().name, name)
		})
		if taken {
			return fmt.Errorf("metric %s is registered twice", name)
		}
		r.families = slices.Insert(r.families, i, f)
	}
	return nil
}

// Text is the state of all families, sorted by name and labels. A family without
// series is left out.
func (r *Registry) Text() []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out bytes.Buffer
	for _, f := range r.families {
		f.write(&exposition{out: &out, of: f.description()})
	}
	return out.Bytes()
}

// ServeHTTP answers a scrape.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", ContentType)
	_, _ = w.Write(r.Text()) // a scraper that has gone away is no trouble of ours
}
