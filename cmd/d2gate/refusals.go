package main

import (
	"net/http"
	"sync"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/proxy"
)

// keptRefusals is how many refusals explain can explain with all their facts.
const keptRefusals = 1000

// refusal is a request that was refused, with what the decision looked at. It is
// kept in memory only, because of its query; a credential is not among its parts.
type refusal struct {
	event   audit.Event
	request proxy.Case
}

// refusals keeps the last ones in a ring.
type refusals struct {
	mu   sync.Mutex
	ring [keptRefusals]*refusal
	next int
}

func newRefusals() *refusals { return &refusals{} }

// add keeps what the gateway has refused.
func (s *refusals) add(e *audit.Event, c proxy.Case) {
	h := http.Header{}
	for _, name := range []string{"Referer", "Origin", "Sec-Fetch-Site"} {
		if v := c.Header.Values(name); len(v) > 0 {
			h[name] = append([]string(nil), v...)
		}
	}
	c.Header = h
	kept := &refusal{*e, c}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring[s.next%keptRefusals] = kept
	s.next++
}

// last is the newest refusal, nil if there was none.
func (s *refusals) last() *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == 0 {
		return nil
	}
	return s.ring[(s.next-1)%keptRefusals]
}

// find is the refusal of a request id, nil if it is not kept.
func (s *refusals) find(id string) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.ring {
		if r != nil && r.event.RequestID == id {
			return r
		}
	}
	return nil
}
