package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// peerOf is the address of the other end, IPv4-mapped folded, zone dropped; the
// zero Addr if it is none.
func peerOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap().WithZone("")
}

func inAny(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// guarded closes connections from peers that are not in trusted. It is used where
// plain HTTP is allowed only because a proxy stands in front (design 1).
type guarded struct {
	net.Listener
	trusted []netip.Prefix
	log     *slog.Logger
	quiet   time.Time // until then nothing is said: a stranger shall not fill the log
}

// Accept implements net.Listener. One goroutine calls it.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := peerOf(conn.RemoteAddr())
		if inAny(g.trusted, peer) {
			return conn, nil
		}
		if now := time.Now(); now.After(g.quiet) {
			g.quiet = now.Add(10 * time.Second)
			g.log.Warn("connection closed: plain HTTP is taken from trusted_proxies only", "peer", peer.String())
		}
		_ = conn.Close() // it was refused; there is nobody to tell
	}
}

// withProxyProtocol reads the PROXY header, required from trusted peers and
// refused from all others.
func withProxyProtocol(l net.Listener, trusted []netip.Prefix, timeout time.Duration) net.Listener {
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: timeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if inAny(trusted, peerOf(o.Upstream)) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.REJECT, nil
		},
	}
}

// loopback reports whether addr (host:port) can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// reachable is an address under which this machine reaches a listener.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// listen opens a TCP listener and names the flag or key to change when it cannot.
func listen(addr, change string) (*door, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another address with %s)", err, change)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("listen on %s: no TCP", addr)
	}
	return newDoor(tcp), nil
}
