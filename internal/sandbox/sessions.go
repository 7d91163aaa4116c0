package sandbox

import (
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// sessionIdle is DHIS2's system.session.timeout.
	sessionIdle = 3600 * time.Second
	// sessionsPerUser is DHIS2's max.sessions.per_user.
	sessionsPerUser = 10
	// sessionsKept bounds the memory of a sandbox; a DHIS2 has none such.
	sessionsKept = 20_000
)

// session is one JSESSIONID. Signed sessions sign in by the cookie alone; those of
// a JWT do not (observed on 2.44).
type session struct {
	id       string
	username string
	signed   bool
	jwt      bool
	used     time.Time
	ended    bool // by somebody else: the next request hears of it once
}

// sessions keeps them in memory: they end with the process, as in a DHIS2.
type sessions struct {
	now    func() time.Time
	rand   io.Reader
	opened atomic.Int64

	mu   sync.Mutex
	byID *lru.Cache[string, *session]
}

func newSessions(now func() time.Time, rand io.Reader) (*sessions, error) {
	byID, err := lru.New[string, *session](sessionsKept)
	if err != nil {
		return nil, fmt.Errorf("make sessions: %w", err)
	}
	return &sessions{now: now, rand: rand, byID: byID}, nil
}

func (s *sessions) newID() (string, error) {
	b := make([]byte, 20)
	if _, err := io.ReadFull(s.rand, b); err != nil {
		return "", fmt.Errorf("random: %w", err)
	}
	return base32.StdEncoding.EncodeToString(b), nil
}

// open makes a session and puts its cookie on the answer. Of a user's signed
// sessions the oldest go when there are too many.
func (s *sessions) open(w http.ResponseWriter, username string, signed, jwt bool) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	s.opened.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if signed {
		var mine []*session
		for _, v := range s.byID.Values() { // oldest first
			if v.username == username && v.signed && !v.ended {
				mine = append(mine, v)
			}
		}
		for len(mine) >= sessionsPerUser {
			s.byID.Remove(mine[0].id)
			mine = mine[1:]
		}
	}
	s.byID.Add(id, &session{id: id, username: username, signed: signed, jwt: jwt, used: s.now()})
	setCookie(w, id)
	return nil
}

func setCookie(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// find gives the live session of a request's cookie, or nil. Ended is true, once,
// for one that somebody else has ended.
func (s *sessions) find(r *http.Request) (found *session, ended bool) {
	k, err := r.Cookie("JSESSIONID")
	if err != nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.byID.Get(k.Value)
	switch {
	case !ok:
		return nil, false
	case v.ended:
		s.byID.Remove(v.id)
		return nil, true
	case s.now().Sub(v.used) >= sessionIdle:
		s.byID.Remove(v.id)
		return nil, false
	}
	v.used = s.now()
	return v, false
}

// rotate gives a JWT's session another id, as each answer does.
func (s *sessions) rotate(w http.ResponseWriter, v *session) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID.Remove(v.id)
	s.byID.Add(id, &session{id: id, username: v.username, jwt: true, used: s.now()})
	setCookie(w, id)
	return nil
}

// end ends a session by its own request.
func (s *sessions) end(v *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID.Remove(v.id)
}

// endUser ends all sessions of a user.
func (s *sessions) endUser(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.byID.Values() {
		if v.username == username && v.signed {
			v.ended = true
		}
	}
}

// endAll ends everybody's sessions.
func (s *sessions) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.byID.Values() {
		v.ended = v.signed
	}
}

// list names the users of the live signed sessions.
func (s *sessions) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, v := range s.byID.Values() {
		if v.signed && !v.ended {
			out = append(out, v.username)
		}
	}
	return out
}
