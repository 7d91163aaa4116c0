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
	left    int64       // bytes that may still come; negative means no limit
	waiting atomic.Bool // for the caller to send
	ended   atomic.Bool // the whole body has come
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
	if u.left >= 0 {
		if int64(n) > u.left {
			return 0, u.fail(fault.New(fault.BodyTooLarge, ""))
		}
		u.left -= int64(n)
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		u.ended.Store(true)
		return n, io.EOF
	}
	return n, u.fail(fault.Wrap(fault.RequestMalformed, err))
}

func (u *upload) fail(f *fault.Fault) error {
	u.failure.CompareAndSwap(nil, f)
	return u.failure.Load()
}

// blame returns why the caller is at fault for a failed exchange, nil if not: the
// body was too large or broken, or the caller has stopped sending it.
func (u *upload) blame(timeout bool) *fault.Fault {
	if f := u.failure.Load(); f != nil {
		return f
	}
	if timeout && !u.ended.Load() && u.waiting.Load() {
		return fault.New(fault.RequestMalformed, "").WithDetail("the caller stopped sending the body")
	}
	return nil
}

// Close closes the caller's body.
func (u *upload) Close() error { return u.body.Close() }
