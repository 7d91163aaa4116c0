package sandbox

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Rules of DHIS2's sessions (contract 2.4): idle time, and how many sign-ins of
// one user live beside each other.
const (
	sessionIdle   = 3600 * time.Second
	sessionsLogin = 10
	sweepEvery    = 1024 // opened sessions between two sweeps
)

// sessionKind tells what made a session.
type sessionKind uint8

const (
	byLogin sessionKind = iota // POST /api/auth/login: the cookie alone signs in, and it counts
	byBasic                    // Basic: the cookie alone signs in
	byJWT                      // Bearer: the cookie alone does not sign in
)

// session is one server-side session. Its fields are guarded by sessions.mu.
type session struct {
	id       string
	username string
	kind     sessionKind
	last     time.Time
	ended    bool // by a password change, by disabling, by another sign-in
}

// sessions are kept in memory, as a DHIS2 keeps its own.
type sessions struct {
	now    func() time.Time
	rand   io.Reader
	opened atomic.Int64

	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(now func() time.Time, rand io.Reader) *sessions {
	return &sessions{now: now, rand: rand, byID: map[string]*session{}}
}

func (s *sessions) newID() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(s.rand, b); err != nil {
		return "", fmt.Errorf("make session id: %w", err)
	}
	return strings.ToUpper(hex.EncodeToString(b)), nil
}

// open makes a session and returns its id. A sign-in beyond the tenth ends the
// one that has been idle longest.
func (s *sessions) open(username string, kind sessionKind) (string, error) {
	id, err := s.newID()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened.Add(1)%sweepEvery == 0 {
		s.sweep()
	}
	s.byID[id] = &session{id: id, username: username, kind: kind, last: s.now()}
	if kind == byLogin {
		s.pushOut(username)
	}
	return id, nil
}

func (s *sessions) pushOut(username string) {
	var mine []*session
	for _, x := range s.byID {
		if x.username == username && x.kind == byLogin && !x.ended {
			mine = append(mine, x)
		}
	}
	if len(mine) > sessionsLogin {
		slices.SortFunc(mine, func(a, b *session) int { return a.last.Compare(b.last) })
		mine[0].ended = true
	}
}

// sweep drops sessions that have been idle too long.
func (s *sessions) sweep() {
	for id, x := range s.byID {
		if s.now().Sub(x.last) > sessionIdle {
			delete(s.byID, id)
		}
	}
}

// touch finds a live session by the id of a cookie and marks it used. A session
// that was ended is reported once and then forgotten.
func (s *sessions) touch(id string) (found session, ended, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.byID[id]
	switch {
	case x == nil:
		return session{}, false, false
	case x.ended:
		delete(s.byID, id)
		return session{}, true, false
	case s.now().Sub(x.last) > sessionIdle:
		delete(s.byID, id)
		return session{}, false, false
	}
	x.last = s.now()
	return *x, false, true
}

// rotate gives a session another id; the old one is good for nothing afterwards.
func (s *sessions) rotate(id, username string) (string, error) {
	next, err := s.newID()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.byID[id]; x != nil {
		delete(s.byID, id)
		x.id, x.username = next, username
		s.byID[next] = x
		return next, nil
	}
	s.byID[next] = &session{id: next, username: username, kind: byJWT, last: s.now()}
	return next, nil
}

// drop forgets a session: logout.
func (s *sessions) drop(id string) {
	s.mu.Lock()
	delete(s.byID, id)
	s.mu.Unlock()
}

// endAll ends every session of a user.
func (s *sessions) endAll(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.byID {
		if x.username == username {
			x.ended = true
		}
	}
}

// endEvery ends all sessions but one.
func (s *sessions) endEvery(but string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.byID {
		x.ended = x.ended || id != but
	}
}

// list tells who is signed in: id and user name of each live session.
func (s *sessions) list() []session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []session
	for _, x := range s.byID {
		if !x.ended && x.kind != byJWT {
			out = append(out, *x)
		}
	}
	slices.SortFunc(out, func(a, b session) int { return strings.Compare(a.id, b.id) })
	return out
}

// cookie is the id that a request brings, "" without one.
func cookieOf(r *http.Request) string {
	if k, err := r.Cookie("JSESSIONID"); err == nil {
		return k.Value
	}
	return ""
}

// giveCookie sets JSESSIONID as Tomcat does.
func (c *call) giveCookie(id string) {
	c.tellExpiry()
	c.w.Header().Add("Set-Cookie", "JSESSIONID="+id+"; Path=/; HttpOnly; SameSite=Lax")
}

// tellExpiry is DHIS2's SessionExpireFilter: its own clock and the end of the
// session, in milliseconds since the epoch.
func (c *call) tellExpiry() {
	now := c.cfg.Now().UnixMilli()
	c.w.Header().Add("Set-Cookie", fmt.Sprintf("SESSION_EXPIRE=server_time=%d&expiry_time=%d; Max-Age=3600; Path=/", now, now+sessionIdle.Milliseconds()))
}
