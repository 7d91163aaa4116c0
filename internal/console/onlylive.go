package console

import (
	"context"
	"errors"
	"time"
)

// errEnded says that a session was ended while a request of it was under way.
var errEnded = errors.New("the session has ended")

// onlyLive keeps scs from bringing an ended session back: what was found is only
// ever updated. It also lets a row expire when its session has idled out.
type onlyLive struct {
	SessionStore
	c *Console
}

type markKey struct{}

// mark notes the key under which a session was found.
type mark struct{ found string }

func withMark(ctx context.Context) context.Context {
	return context.WithValue(ctx, markKey{}, &mark{})
}

// FindCtx implements scs.CtxStore.
func (o onlyLive) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	b, ok, err := o.SessionStore.FindCtx(ctx, hash)
	if m, _ := ctx.Value(markKey{}).(*mark); m != nil && ok {
		m.found = hash
	}
	return b, ok, err
}

// CommitCtx implements scs.CtxStore; errEnded if a found session is gone.
func (o onlyLive) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	if idle := o.c.cfg.Now().Add(o.c.settings.Load().Idle); idle.Before(expiry) {
		expiry = idle
	}
	m, _ := ctx.Value(markKey{}).(*mark)
	if m == nil || m.found != hash {
		return o.SessionStore.CommitCtx(ctx, hash, data, expiry)
	}
	ok, err := o.UpdateCtx(ctx, hash, data, expiry)
	if err == nil && !ok {
		return errEnded
	}
	return err
}
