package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/identity"
)

// Forwarder sends an allowed request on and streams the answer back. It decides
// nothing. Another HTTP engine would be another Forwarder.
type Forwarder interface {
	// Forward returns an error, a fault where it knows one, only if nothing of an
	// answer has been written to w. It panics with http.ErrAbortHandler if an answer
	// breaks off.
	Forward(w http.ResponseWriter, r *http.Request, o Onward) error
}

// Onward is what leaves instead of what came.
type Onward struct {
	Path      string // bytes below the context path
	Query     string
	HasQuery  bool
	RequestID string
	Client    string // address after trusted proxies, "" if unknown
	Principal Principal
	Mode      string // of the identity
	Identity  identity.Upstream
	Timeout   time.Duration // until the response header; for bodies, since the last byte sent; 0 means none
	Body      int64         // bytes that the body may have; 0 means no limit
	// Inspect looks at the body as it passes; its error, a fault, ends the exchange
	// before the upstream has the whole body. May be nil.
	Inspect func([]byte) error
	// Visible says which names of an answer that is a JSON list of names may be
	// shown; nil shows all.
	Visible func(name string) bool
	// Answered is told of a response header before anything of it is passed on, and
	// of that of a first attempt too; the status is 0 where the request left and no
	// answer came. May be nil.
	Answered func(status int, latency time.Duration)
	// Ended is told when the upstream has sent its last byte, before the caller gets
	// it: what the upstream was counted for is then free. It may be called twice, and
	// not at all where an exchange fails. May be nil.
	Ended func()
}

// Limits of the exchange with the upstream.
const (
	maxResponseHeader = 1 << 20          // bytes (security.md B15)
	smallBody         = 64 << 10         // bytes; a body of at most this length is read first, so that it can be sent again
	smallBodyTime     = 30 * time.Second // a small body must have come within
	// An answer of known length is flushed so often: at once would send its header
	// apart, a write more for every request. Others are flushed with each read.
	knownLengthFlush = 20 * time.Millisecond
)

// ReverseProxyConfig says where the upstream is.
type ReverseProxyConfig struct {
	Upstream config.Upstream // URL is required
	Public   *url.URL        // public_url; nil leaves X-Forwarded-Proto, -Host and -Port out
	Log      *slog.Logger    // hears of answers that break off; nil means slog.Default
	Now      func() time.Time
}

// ReverseProxy is the Forwarder on net/http/httputil. It follows no redirect,
// uses no proxy of the environment, and keeps one pool of connections.
type ReverseProxy struct {
	upstream  *url.URL
	base      string // path of the upstream, without a slash at its end
	links     links
	forwarded forwarded
	transport *http.Transport
	proxy     *httputil.ReverseProxy
	now       func() time.Time
}

// NewReverseProxy makes the forwarder. Close it after the last request.
func NewReverseProxy(cfg ReverseProxyConfig) (*ReverseProxy, error) {
	if cfg.Upstream.URL == nil || cfg.Upstream.URL.Host == "" {
		return nil, errors.New("proxy: NewReverseProxy: Upstream.URL is required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	f := &ReverseProxy{
		upstream:  cfg.Upstream.URL,
		links:     newLinks(cfg.Upstream.URL, cfg.Public),
		forwarded: forwardedOf(cfg.Public),
		transport: NewTransport(cfg.Upstream),
		now:       cfg.Now,
	}
	f.base = f.links.upstreamPath
	f.proxy = &httputil.ReverseProxy{
		Rewrite:        f.rewrite,
		ModifyResponse: f.modifyResponse,
		ErrorHandler:   keepError,
		Transport:      roundTripper(f.roundTrip),
		FlushInterval:  knownLengthFlush,
		BufferPool:     &buffers{},
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelInfo),
	}
	return f, nil
}

// NewTransport is the transport towards DHIS2, shared by what is forwarded and by
// what d2gate itself asks.
func NewTransport(u config.Upstream) *http.Transport {
	dialer := &net.Dialer{Timeout: u.ConnectTimeout, KeepAlive: 30 * time.Second}
	idle := u.IdleConnections
	if idle <= 0 {
		idle = 64
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    u.ConnectTimeout,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        15 * time.Second, // less than Tomcat's keepAliveTimeout of 20 s
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true, // encodings are the caller's business
	}
}

// Close drops idle connections.
func (f *ReverseProxy) Close() { f.transport.CloseIdleConnections() }

// Forward implements Forwarder.
func (f *ReverseProxy) Forward(w http.ResponseWriter, r *http.Request, o Onward) error {
	t := &trip{Onward: o, in: r}
	if err := t.takeBody(w); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	t.ctx = context.WithValue(ctx, tripKey{}, t)
	if o.Timeout > 0 {
		defer t.limit(w, cancel)()
	}
	out := r.WithContext(t.ctx)
	if t.upload != nil {
		out.Body = t.upload
		defer t.letGo(w)
	}
	f.proxy.ServeHTTP(w, out)
	if t.err != nil {
		return t.explain(t.err)
	}
	_ = http.NewResponseController(w).Flush() // while w's limits of a slow reader still hold
	return nil
}

// keepError leaves the answer to whoever called Forward.
func keepError(_ http.ResponseWriter, r *http.Request, err error) { tripOf(r.Context()).err = err }

// rewrite makes the request that leaves. httputil has removed hop-by-hop headers,
// those that the caller's Connection names included, so nothing set here can be
// taken away by the caller (golang/go#50580).
func (f *ReverseProxy) rewrite(p *httputil.ProxyRequest) {
	t := tripOf(p.In.Context())
	p.Out.URL = &url.URL{Scheme: f.upstream.Scheme, Host: f.upstream.Host, Opaque: f.base + t.Path, RawQuery: t.Query, ForceQuery: t.HasQuery}
	if p.Out.URL.Opaque == "" {
		p.Out.URL.Opaque = "/"
	}
	p.Out.Host = ""
	p.Out.Trailer = nil
	dropHeaders(p.Out.Header, t.Principal.Kind)
	f.forwarded.set(p.Out.Header, t.Client)
	p.Out.Header["X-Request-Id"] = []string{t.RequestID}
	if t.Visible != nil {
		for _, name := range unfiltered {
			delete(p.Out.Header, name)
		}
	}
	if t.whole != nil {
		body := t.whole
		p.Out.Body = io.NopCloser(bytes.NewReader(body))
		p.Out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// buffers lends the copying of bodies its memory.
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if v, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return v[:]
	}
	return make([]byte, bufferSize)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(buf []byte) { b.pool.Put((*[bufferSize]byte)(buf)) }
