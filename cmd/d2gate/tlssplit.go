package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/d2gate/d2gate/proxy"
)

// splitTLS does the handshakes of l and sorts the connections: HTTP/2 as net/http
// wants them, HTTP/1 as plain streams under proxy.StrictListener, which cannot see
// into TLS. Closing either ends both. A handshake may take timeout.
func splitTLS(l net.Listener, config *tls.Config, timeout time.Duration) (http1, http2 net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &splitter{outer: l, config: config, timeout: timeout, ctx: ctx, cancel: cancel}
	one, two := s.half(), s.half()
	s.one, s.two = one.conns, two.conns
	s.accepting.Go(s.accept)
	return proxy.StrictListener(one), two
}

type splitter struct {
	outer    net.Listener
	config   *tls.Config
	timeout  time.Duration
	ctx      context.Context
	cancel   context.CancelFunc
	one, two chan net.Conn

	accepting  sync.WaitGroup
	handshakes sync.WaitGroup
	once       sync.Once
	err        error // of the outer listener; written before ctx ends
}

func (s *splitter) half() *half { return &half{s, make(chan net.Conn)} }

// accept ends when the outer listener does; the handshakes under way then still
// find a server.
func (s *splitter) accept() {
	defer s.cancel()
	for {
		conn, err := s.outer.Accept()
		if err != nil {
			s.once.Do(func() { s.err = err })
			s.handshakes.Wait()
			return
		}
		s.handshakes.Go(func() { s.handshake(conn) })
	}
}

// handshake sorts one connection; one that fails is closed without a word.
func (s *splitter) handshake(conn net.Conn) {
	ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
	defer cancel()
	secure := tls.Server(conn, s.config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // scanners and clients of plain HTTP are no news
		return
	}
	to, out := s.one, net.Conn(plain{secure})
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		to, out = s.two, secure
	}
	select {
	case to <- out:
	case <-s.ctx.Done():
		_ = conn.Close() // nobody will serve it
	}
}

// plain hides that a connection is TLS, so that net/http reads it through the
// strict reader.
type plain struct{ net.Conn }

// CloseWrite lets net/http end an answer before it stops reading.
func (p plain) CloseWrite() error {
	if c, ok := p.Conn.(*tls.Conn); ok {
		return c.CloseWrite()
	}
	return nil
}

// half is one of the two listeners.
type half struct {
	*splitter
	conns chan net.Conn
}

// Accept implements net.Listener.
func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ctx.Done():
		h.once.Do(func() { h.err = net.ErrClosed })
		return nil, h.err
	}
}

// Close implements net.Listener.
func (h *half) Close() error {
	h.once.Do(func() { h.err = net.ErrClosed })
	h.cancel()
	err := h.outer.Close()
	h.accepting.Wait()
	if errors.Is(err, net.ErrClosed) { // by the other half, or by the drain
		return nil
	}
	return err
}

// Addr implements net.Listener.
func (h *half) Addr() net.Addr { return h.outer.Addr() }
