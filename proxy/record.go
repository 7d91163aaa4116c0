package proxy

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/fault"
)

// detached outlives the caller's hanging up, by recordTime at most: what was
// decided is written also when nobody waits for the answer.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), recordTime)
}

const recordTime = 5 * time.Second

func auditDown(err error) error { return fault.Wrap(fault.AuditUnavailable, err) }

// asked is the refused request as explain is asked about it.
func (p *passage) asked(f *fault.Fault) Case {
	c := Case{
		At: p.start, Method: p.view.Method, Target: strings.TrimPrefix(p.view.Target, p.rules.Site.ContextPath),
		From: p.client, Header: p.r.Header, Length: p.view.Length, Principal: p.principal,
	}
	if len(p.verdict.Failed) == 0 && credentialRefused(f.Reason) {
		c.Refused = f
	}
	return c
}

// credentialRefused reports whether a reason is about the credential or its
// account, so that the policy was not asked, or said yes.
func credentialRefused(r fault.Reason) bool {
	switch r {
	case fault.CredentialMultiple, fault.LoginFailed, fault.LoginThrottled, fault.TokenMalformed, fault.TokenChecksum, fault.TokenUnknown,
		fault.TokenOwnerDisabled:
		return true
	}
	return false
}

// event is the audit line as far as it is known.
func (p *passage) event(now time.Time) *audit.Event {
	e := &audit.Event{
		Time: p.start, RequestID: p.id, Client: p.from,
		Token: p.principal.TokenID, User: p.principal.Username,
		Method: p.view.Method, Path: pathOf(p.view.Target), Route: p.routeID(),
		Decision: decisionOf(p.refused), Reason: string(p.refused),
		Compat: p.verdict.Compat, UpstreamStatus: p.status, Duration: now.Sub(p.start),
	}
	for _, f := range p.verdict.Failed {
		e.Failed = append(e.Failed, string(f.Reason))
	}
	for _, f := range p.verdict.Reported {
		e.Failed = append(e.Failed, string(f.Reason))
	}
	if len(e.Failed) == 0 && p.refused != "" {
		e.Failed = []string{string(p.refused)}
	}
	return e
}

func (v *Verdict) report(err error) {
	if f := fault.From(err); f != nil {
		v.Reported = append(v.Reported, f)
	}
}

func decisionOf(refused fault.Reason) string {
	if refused != "" {
		return "refuse"
	}
	return "allow"
}

func (p *passage) routeID() string {
	switch {
	case p.route != nil:
		return p.route.ID
	case p.owner != upstreamOwned:
		return "d2gate"
	}
	return ""
}

// pathOf is the path of a target for the record: no query, no user information of
// an absolute target, and of an overlong one the beginning.
func pathOf(target string) string {
	const longest = 2048
	path, _, _ := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		_, path, _ = strings.Cut(path, "://")
		if i := strings.IndexByte(path, '/'); i >= 0 {
			path = path[i:]
		} else {
			path = ""
		}
	}
	if len(path) > longest {
		path = path[:longest] + "…"
	}
	return path
}

// crockford is the alphabet of request ids: no letter looks like a digit.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ids makes request ids. It is safe for concurrent use.
type ids struct {
	mu      sync.Mutex
	random  *bufio.Reader // one system call for some hundred ids
	entropy [8]byte
}

func newIDs(random io.Reader) *ids { return &ids{random: bufio.NewReaderSize(random, 4096)} }

// next is 9 characters of the time in milliseconds, so that ids sort, and 11
// random ones (55 bits). Without randomness the clock stands in: ids tell
// requests apart, they keep no secret.
func (s *ids) next(at time.Time) string {
	s.mu.Lock()
	_, err := io.ReadFull(s.random, s.entropy[:])
	bits := binary.BigEndian.Uint64(s.entropy[:])
	s.mu.Unlock()
	if err != nil {
		bits = uint64(at.UnixNano())
	}
	var id [20]byte
	ms := uint64(at.UnixMilli())
	for i := 8; i >= 0; i-- {
		id[i], ms = crockford[ms&31], ms>>5
	}
	for i := 9; i < len(id); i++ {
		id[i], bits = crockford[bits&31], bits>>5
	}
	return string(id[:])
}
