package proxy

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/fault"
)

// TrustedProxies are the peers whose X-Forwarded-For is believed; nobody when
// empty. chi's ClientIP middlewares do the same for *http.Request, but strip
// zones, pass over empty entries and forget the address where a hop cannot be
// read; here each of these is a refusal.
type TrustedProxies []netip.Prefix

// Trust reports whether a peer is a listed proxy. A zone never matches.
func (t TrustedProxies) Trust(peer netip.Addr) bool {
	peer = peer.Unmap()
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// Client is the client address: the peer, unless it is a listed proxy; then the
// first address, right to left over all X-Forwarded-For lines joined, that is no
// listed proxy, or the leftmost one when all are. IPv4-mapped addresses are
// folded. A hop that cannot be read, or has a zone, is refused with
// request_malformed (security.md B7, B8). The zero peer stays zero.
func (t TrustedProxies) Client(peer netip.Addr, h Header) (netip.Addr, error) {
	peer = peer.Unmap()
	if len(t) == 0 || !t.Trust(peer) {
		return peer, nil
	}
	client := peer
	for _, line := range slices.Backward(h.Values("X-Forwarded-For")) {
		for more := true; more; {
			var hop string
			line, hop, more = cutLast(line)
			addr, err := netip.ParseAddr(strings.Trim(hop, " \t"))
			if err != nil || addr.Zone() != "" {
				return netip.Addr{}, fault.New(fault.RequestMalformed, "").WithDetail("X-Forwarded-For of a trusted proxy holds a hop that is no address")
			}
			client = addr.Unmap()
			if !t.Trust(client) {
				return client, nil
			}
		}
	}
	return client, nil
}

// cutLast cuts a list at its last comma.
func cutLast(list string) (before, last string, more bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], list[i+1:], true
	}
	return "", list, false
}

// PeerAddr reads http.Request.RemoteAddr; zero for anything but an IP address
// with a port, such as a unix socket. A zone is dropped: it names our own
// interface, not the peer.
func PeerAddr(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
