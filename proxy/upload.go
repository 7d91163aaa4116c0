package proxy

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/d2gate/d2gate/internal/fault"
)

// upload is a request body on its way through: bounded, and able to say afterwards
// whose fault a failure was. One goroutine reads it; the others may ask.
type upload struct {
	body    io.ReadCloser
	left    int64              // bytes that may still come; negative means no limit
	inspect func([]byte) error // looks at what comes; its error ends the body; may be nil
	moved   func()             // called after each read; may be nil
	waiting atomic.Bool
	ended   atomic.Bool // the whole body has come
	over    atomic.Bool // nobody wants the rest
	failure atomic.Pointer[fault.Fault]
}

// newUpload bounds a body to limit bytes; 0 means no limit.
func newUpload(body io.ReadCloser, limit int64) *upload {
	if limit <= 0 {
		limit = -1
	}
	return &upload{body: body, left: limit}
}

// Read passes bytes on. Errors are io.EOF, body_too_large, and request_malformed
// for a body that broke off or whose framing is wrong.
func (u *upload) Read(b []byte) (int, error) {
	if f := u.failure.Load(); f != nil {
		return 0, f
	}
	if u.left >= 0 && int64(len(b)) > u.left+1 {
		b = b[:u.left+1] // one more, to see whether there is one
	}
	u.waiting.Store(true)
	n, err := u.body.Read(b)
	u.waiting.Store(false)
	if u.moved != nil {
		u.moved()
	}
	if u.left >= 0 {
		if int64(n) > u.left {
			return 0, u.fail(fault.New(fault.BodyTooLarge, ""))
		}
		u.left -= int64(n)
	}
	if u.inspect != nil && n > 0 {
		if err := u.inspect(b[:n]); err != nil {
			return 0, u.fail(fault.From(err))
		}
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		u.ended.Store(true)
		return n, io.EOF
	case u.over.Load():
		return n, err // we ended it, not the caller
	}
	return n, u.fail(fault.Wrap(fault.RequestMalformed, err))
}

func (u *upload) fail(f *fault.Fault) error {
	u.failure.CompareAndSwap(nil, f)
	return u.failure.Load()
}

// giveUp ends the exchange because nothing has moved for too long. It is the
// caller's fault if the rest of the body is what is waited for.
func (u *upload) giveUp() {
	if u.waiting.Load() {
		_ = u.fail(fault.New(fault.RequestMalformed, "").WithDetail("the caller stopped sending the body"))
	}
	u.over.Store(true)
}

// blame returns why the caller is at fault for a failed exchange, nil if not.
func (u *upload) blame() *fault.Fault { return u.failure.Load() }

// Close closes the caller's body.
func (u *upload) Close() error { return u.body.Close() }
