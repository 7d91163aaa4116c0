package identity

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// boundedClient makes the client with which other issuers are asked: it follows no
// redirect, gives up after 10 s and reads at most maxAnswer bytes of a body. A nil
// transport means one of its own, through the proxy of the environment if one is
// named there.
func boundedClient(rt http.RoundTripper) *http.Client {
	if rt == nil {
		t := NewTransport(0)
		t.Proxy = http.ProxyFromEnvironment
		rt = t
	}
	return &http.Client{
		Transport:     boundedTransport{rt},
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type boundedTransport struct{ next http.RoundTripper }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

// boundedBody fails, rather than ends, at its limit: what is cut off must not pass
// for whole.
type boundedBody struct {
	io.ReadCloser
	left int
}

var errTooLong = errors.New("the answer is over 1 MiB")

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
