package proxy

import (
	"bytes"
	"errors"
	"net"
	"strings"
)

// StrictListener refuses the forms of an HTTP/1 request head that net/http takes
// and that another reader could take otherwise (security.md B1, B2): Transfer-
// Encoding beside Content-Length, any other coding than one "chunked", a second
// Content-Length or one that is not digits, a folded line, a bare CR, a NUL.
// net/http answers such a connection with its own 400 and closes it.
//
// It belongs under a server of plain HTTP/1: net/http does not see through it to
// a *tls.Conn. It reads nothing into bodies, and stops looking at a connection
// after a chunked request, which the gateway makes the last one.
func StrictListener(l net.Listener) net.Listener { return strictListener{l} }

type strictListener struct{ net.Listener }

// Accept implements net.Listener.
func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &strictConn{Conn: c}, nil
}

var errStrict = errors.New("malformed request head")

type strictConn struct {
	net.Conn
	head headScanner
	bad  bool
}

// Read implements net.Conn.
func (c *strictConn) Read(b []byte) (int, error) {
	if c.bad {
		return 0, errStrict
	}
	n, err := c.Conn.Read(b)
	if n > 0 && !c.head.feed(b[:n]) {
		c.bad = true
		return 0, errStrict
	}
	return n, err
}

// CloseWrite lets net/http end an answer before it stops reading.
func (c *strictConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// headScanner follows one connection from head to head.
type headScanner struct {
	off     bool   // nothing more is looked at
	body    int64  // bytes of a body still to come
	line    []byte // beginning of an unfinished line
	started bool   // the request line has been read
	length  int64  // Content-Length of this head, if hasLen
	hasLen  bool
	chunked bool
}

// feed looks at what arrived and reports whether it is acceptable.
func (s *headScanner) feed(b []byte) bool {
	for len(b) > 0 && !s.off {
		if s.body > 0 {
			n := min(s.body, int64(len(b)))
			s.body -= n
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			s.line = append(s.line, b...)
			return true
		}
		line := b[:end]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		b = b[end+1:]
		if !s.take(bytes.TrimSuffix(line, []byte{'\r'})) {
			return false
		}
		s.line = s.line[:0]
	}
	return true
}

// take looks at one line of a head.
func (s *headScanner) take(line []byte) bool {
	switch {
	case len(line) == 0:
		return !s.started || s.endOfHead()
	case bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0:
		return false
	case !s.started:
		s.started = true
		s.off = bytes.HasPrefix(line, []byte("PRI * HTTP/2"))
		return true
	case line[0] == ' ' || line[0] == '\t':
		return false
	}
	name, value, _ := bytes.Cut(line, []byte{':'})
	switch len(name) {
	case len("Content-Length"):
		if strings.EqualFold(string(name), "Content-Length") {
			return s.takeLength(bytes.Trim(value, " \t"))
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(string(name), "Transfer-Encoding") {
			again := s.chunked
			s.chunked = true
			return !again && strings.EqualFold(string(bytes.Trim(value, " \t")), "chunked")
		}
	}
	return true
}

func (s *headScanner) takeLength(digits []byte) bool {
	if s.hasLen || len(digits) == 0 || len(digits) > 18 {
		return false
	}
	s.hasLen = true
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
		s.length = s.length*10 + int64(c-'0')
	}
	return true
}

func (s *headScanner) endOfHead() bool {
	if s.chunked && s.hasLen {
		return false
	}
	*s = headScanner{off: s.chunked, body: s.length, line: s.line}
	return true
}
