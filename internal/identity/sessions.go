package identity

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// SessionsConfig bounds what is kept of DHIS2's sessions.
type SessionsConfig struct {
	Idle    time.Duration    // shorter than DHIS2's own 3600 s; 0 means 50 min
	PerUser int              // sessions kept for one user; 0 means 8
	Users   int              // users for whom sessions are kept; 0 means 10,000
	Now     func() time.Time // nil means time.Now
}

// Sessions keeps DHIS2's session cookies for each user. DHIS2 opens a session for
// every signed request that brings no session cookie, and gives the session a new
// id in every answer (contract 2.3.7). So a cookie is lent to one request at a
// time, until that request's response header has brought the new id; the last one
// given back is the next one lent. Requests one after the other are one session;
// n requests at once open n, of which at most PerUser are kept. The cookies never
// reach a caller.
type Sessions struct {
	cfg SessionsConfig

	mu    sync.Mutex
	users *simplelru.LRU[string, []session]
}

// session is what DHIS2 asked to be sent back, as a Cookie header.
type session struct {
	cookie string
	used   time.Time
}

// NewSessions makes an empty pool.
func NewSessions(cfg SessionsConfig) *Sessions {
	if cfg.Idle <= 0 {
		cfg.Idle = 50 * time.Minute
	}
	if cfg.PerUser <= 0 {
		cfg.PerUser = 8
	}
	if cfg.Users <= 0 {
		cfg.Users = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	users, _ := simplelru.NewLRU[string, []session](cfg.Users, nil) // fails for a size below 1 only
	return &Sessions{cfg: cfg, users: users}
}

// take lends the session given back last, "" if none is there.
func (s *Sessions) take(user string) (cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stack, ok := s.users.Get(user)
	if !ok || len(stack) == 0 {
		return ""
	}
	last := stack[len(stack)-1]
	if s.cfg.Now().Sub(last.used) >= s.cfg.Idle { // so are all below it
		s.users.Remove(user)
		return ""
	}
	stack[len(stack)-1] = session{}
	s.users.Add(user, stack[:len(stack)-1])
	return last.cookie
}

// give puts a session on top; the one not used for longest makes room.
func (s *Sessions) give(user, cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stack, _ := s.users.Get(user)
	if len(stack) >= s.cfg.PerUser {
		stack = append(stack[:0], stack[1:]...)
	}
	s.users.Add(user, append(stack, session{cookie, s.cfg.Now()}))
}

// Forget drops all sessions of a user: DHIS2 has ended one, so the others are
// likely gone too.
func (s *Sessions) Forget(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users.Remove(user)
}

// Kept is how many sessions are at rest.
func (s *Sessions) Kept() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stack := range s.users.Values() {
		n += len(stack)
	}
	return n
}

// Bounds of one session's cookies.
const (
	maxCookies     = 8
	maxCookieBytes = 4096
)

// renew merges what an answer sets into a Cookie header: JSESSIONID, and what a
// load balancer adds to find the node again. It returns "" if no session is left.
func renew(cookie string, resp *http.Response) string {
	if len(resp.Header["Set-Cookie"]) == 0 {
		return cookie
	}
	jar := parseCookies(cookie)
	for _, c := range resp.Cookies() {
		jar = jar.with(c)
	}
	return jar.header()
}

type cookies []*http.Cookie

func parseCookies(header string) cookies {
	if header == "" {
		return nil
	}
	list, err := http.ParseCookie(header)
	if err != nil {
		return nil
	}
	return list
}

// with replaces, adds or, where it has ended, removes a cookie.
func (jar cookies) with(c *http.Cookie) cookies {
	out := make(cookies, 0, len(jar)+1)
	for _, old := range jar {
		if old.Name != c.Name {
			out = append(out, old)
		}
	}
	if c.MaxAge < 0 || c.Value == "" || !validCookieValue(c.Value) {
		return out
	}
	return append(out, c)
}

// header writes the cookies back if there is a session among them.
func (jar cookies) header() string {
	var b strings.Builder
	session := false
	for _, c := range jar {
		session = session || c.Name == "JSESSIONID"
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.Name + "=" + c.Value)
	}
	if !session || len(jar) > maxCookies || b.Len() > maxCookieBytes {
		return ""
	}
	return b.String()
}
