package console

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/d2gate/d2gate/internal/identity"
)

// randReader is where tokens come from unless a test says otherwise.
var randReader = rand.Reader

// SessionStore keeps sessions and sign-ins under way. Keys are hashes, so that a
// stolen table opens no session. Implementations are safe for concurrent use.
type SessionStore interface {
	scs.CtxStore
	// UpdateCtx is CommitCtx for an entry that is there; false means that it is not,
	// and nothing was stored. Otherwise a session that was ended could come back with
	// a request that was under way.
	UpdateCtx(ctx context.Context, hash string, data []byte, expiry time.Time) (bool, error)
	// BeginCtx is CommitCtx for a sign-in that is under way, and removes those of its
	// kind that are over. False means that about most of its kind are kept already,
	// and nothing was stored.
	BeginCtx(ctx context.Context, kind, hash string, data []byte, expiry time.Time, most int) (bool, error)
}

// sessions keeps who is signed in, on the server. Only sign-in opens one.
type sessions struct {
	c    *Console
	scs  *scs.SessionManager
	name string // of the cookie
	path string
}

// The keys of a session.
const (
	keyUID         = "uid"
	keyUsername    = "username"
	keyName        = "name"
	keyDisplayName = "displayName"
	keyAuthorities = "authorities" // one a line; absent if DHIS2 was not asked
	keyForm        = "form"        // anti-forgery value
	keySeen        = "seen"        // Unix milliseconds of the last use that was written
)

func newSessions(c *Console) *sessions {
	m := scs.New()
	m.Store = onlyLive{c.cfg.Sessions, c}
	m.HashTokenInStore = true
	s := &sessions{c: c, scs: m, name: "d2gate", path: c.base + "/"}
	if c.https() {
		s.name, s.path = "__Host-d2gate", "/" // RFC 6265bis 4.1.3.2: the prefix wants Path=/
	}
	return s
}

// session is one that is live.
type session struct {
	ctx  context.Context // scs keeps the values here
	user identity.User
	form string
}

// find returns the live session of the one cookie, or nil. Errors are the store's.
func (s *sessions) find(ctx context.Context, cookies []string) (*session, error) {
	token := oneCookie(cookies, s.name)
	if token == "" {
		return nil, nil
	}
	ctx, err := s.scs.Load(withMark(ctx), token)
	if err != nil {
		return nil, err
	}
	if s.scs.Token(ctx) == "" {
		return nil, nil // unknown or over
	}
	now := s.c.cfg.Now()
	seen := time.UnixMilli(s.scs.GetInt64(ctx, keySeen))
	idle := s.c.settings.Load().Idle
	if !now.Before(s.scs.Deadline(ctx)) || now.Sub(seen) >= idle {
		return nil, s.scs.Destroy(ctx)
	}
	if now.Sub(seen) >= min(time.Minute, idle/4) {
		if err := s.touch(ctx, now); err != nil {
			if errors.Is(err, errEnded) {
				return nil, nil
			}
			return nil, err
		}
	}
	return &session{ctx, s.user(ctx), s.scs.GetString(ctx, keyForm)}, nil
}

// touch writes down that a session is in use.
func (s *sessions) touch(ctx context.Context, now time.Time) error {
	s.scs.Put(ctx, keySeen, now.UnixMilli())
	_, _, err := s.scs.Commit(ctx)
	return err
}

func (s *sessions) user(ctx context.Context) identity.User {
	u := identity.User{
		UID:         s.scs.GetString(ctx, keyUID),
		Username:    s.scs.GetString(ctx, keyUsername),
		Name:        s.scs.GetString(ctx, keyName),
		DisplayName: s.scs.GetString(ctx, keyDisplayName),
	}
	if s.scs.Exists(ctx, keyAuthorities) {
		u.Authorities = strings.FieldsFunc(s.scs.GetString(ctx, keyAuthorities), func(r rune) bool { return r == '\n' })
	}
	return u
}

// open begins a session under an id of its own (OWASP ASVS 7.2.4) and ends the one
// that this browser had.
func (s *sessions) open(w http.ResponseWriter, old *session, u identity.User) error {
	if old != nil {
		if err := s.scs.Destroy(old.ctx); err != nil {
			return err
		}
	}
	ctx, err := s.scs.Load(withMark(context.Background()), "")
	if err != nil {
		return err
	}
	form, err := randomText(s.c.cfg.Rand)
	if err != nil {
		return err
	}
	now := s.c.cfg.Now()
	s.scs.SetDeadline(ctx, now.Add(s.c.settings.Load().TTL))
	s.scs.Put(ctx, keyUID, u.UID)
	s.scs.Put(ctx, keyUsername, u.Username)
	s.scs.Put(ctx, keyName, u.Name)
	s.scs.Put(ctx, keyDisplayName, u.DisplayName)
	if u.Authorities != nil {
		s.scs.Put(ctx, keyAuthorities, strings.Join(u.Authorities, "\n"))
	}
	s.scs.Put(ctx, keyForm, form)
	s.scs.Put(ctx, keySeen, now.UnixMilli())
	token, _, err := s.scs.Commit(ctx)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(s.name, token, 0))
	return nil
}

// end ends a session on the server and in the browser.
func (s *sessions) end(w http.ResponseWriter, old *session) error {
	if old != nil {
		if err := s.scs.Destroy(old.ctx); err != nil {
			return err
		}
	}
	http.SetCookie(w, s.cookie(s.name, "", -1))
	return nil
}

// cookie ends with the browser; how long the session lives is the server's to say.
func (s *sessions) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: s.path, MaxAge: maxAge, HttpOnly: true, Secure: s.c.https(), SameSite: http.SameSiteLaxMode}
}

// oneCookie returns the value of a cookie that was sent once, "" otherwise: of two
// with one name, one was planted by somebody else.
func oneCookie(lines []string, name string) string {
	found := ""
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			n, v, ok := strings.Cut(strings.Trim(part, " \t"), "=")
			if !ok || n != name || v == "" {
				continue
			}
			if found != "" {
				return ""
			}
			found = v
		}
	}
	if len(found) > 128 {
		return ""
	}
	return found
}
