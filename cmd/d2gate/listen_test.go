package main

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnectionsOfOtherPeersAreClosedAtAccept(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &guarded{Listener: inner, trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, log: quiet()}
	defer g.Close()
	accepted := make(chan string, 2)
	go func() {
		conn, err := g.Accept()
		if err == nil {
			accepted <- peerOf(conn.RemoteAddr()).String()
		}
	}()
	stranger := dialFrom(t, "127.0.0.1", inner.Addr())
	_, err = stranger.Read(make([]byte, 1))
	require.Error(t, err) // closed without a byte
	dialFrom(t, "127.0.0.2", inner.Addr())
	require.Equal(t, "127.0.0.2", <-accepted)
}

func dialFrom(t *testing.T, local string, to net.Addr) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	conn, err := d.DialContext(t.Context(), "tcp", to.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestLoopbackMeansThisMachineOnly(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "localhost:80": true, "[::ffff:127.0.0.1]:80": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "gateway:80": false, "127.0.0.1.example:80": false, "": false,
	} {
		require.Equal(t, want, loopback(addr), addr)
	}
}
