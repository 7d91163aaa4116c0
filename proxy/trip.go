package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// trip is one exchange.
type trip struct {
	Onward
	ctx    context.Context // that of the exchange, without httputil's trace
	in     *http.Request
	upload *upload // nil without a body
	whole  []byte  // a small body
	timer  *time.Timer
	passed atomic.Bool // the response header is there
	err    error
}

type tripKey struct{}

func tripOf(ctx context.Context) *trip { return ctx.Value(tripKey{}).(*trip) }

// errTimeout is the cause of a context that ended because the upstream was slow.
var errTimeout = errors.New("no response header in time")

// limit ends the exchange when there is no response header in time, counted from
// the last byte of the body that moved. The returned function ends the counting.
func (t *trip) limit(w http.ResponseWriter, cancel context.CancelCauseFunc) (stop func()) {
	t.timer = time.AfterFunc(t.Timeout, func() {
		if t.passed.Load() {
			return
		}
		cancel(errTimeout)
		if t.upload != nil {
			t.upload.giveUp()
			_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // the transport waits for a read that is under way
		}
	})
	if t.upload != nil {
		t.upload.moved = func() {
			if t.timer.Stop() {
				t.timer.Reset(t.Timeout)
			}
		}
	}
	return func() { t.passed.Store(true); t.timer.Stop() }
}

// takeBody reads a small body whole and bounds the others.
func (t *trip) takeBody(w http.ResponseWriter) error {
	n := t.in.ContentLength
	if n == 0 || t.in.Body == nil || t.in.Body == http.NoBody {
		return nil
	}
	t.upload = newUpload(t.in.Body, t.Body)
	t.upload.inspect = t.Inspect
	if n < 0 || n > smallBody {
		return nil
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(smallBodyTime)) // not all writers have a connection
	t.whole = make([]byte, n)
	if _, err := io.ReadFull(t.upload, t.whole); err != nil {
		if f := t.upload.blame(); f != nil {
			return f
		}
		return fault.Wrap(fault.RequestMalformed, err)
	}
	_ = rc.SetReadDeadline(time.Time{})
	t.upload = nil
	return nil
}

// letGo ends the wait for a body that nobody wants any more: net/http could not
// close it while a read waits for the caller.
func (t *trip) letGo(w http.ResponseWriter) {
	if !t.upload.ended.Load() {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
	}
}

// explain turns a failed exchange into a fault: the caller's, else the upstream's.
func (t *trip) explain(err error) error {
	slow := errors.Is(context.Cause(t.ctx), errTimeout)
	if t.upload != nil {
		if f := t.upload.blame(); f != nil {
			return f
		}
	}
	switch {
	case slow:
		return fault.Wrap(fault.UpstreamTimeout, err)
	case fault.From(err) != nil:
		return err
	case t.in.Context().Err() != nil:
		return errGone
	}
	return fault.Wrap(fault.UpstreamUnreachable, err)
}
