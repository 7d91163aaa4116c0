package constraints

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParseAddress reads an IPv4 or IPv6 address or CIDR. IPv4-mapped IPv6 is folded
// to IPv4; zones and ports are refused.
func ParseAddress(s string) (netip.Prefix, error) {
	//lint:ignore ST1005 DHIS2's words
	bad := fmt.Errorf("Not a valid ip address, value=%s", s)
	if s == "" {
		return netip.Prefix{}, errNoAddress
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Zone() != "" {
			return netip.Prefix{}, bad
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return netip.Prefix{}, bad
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, bad
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// errNoAddress is what DHIS2 2.44 answers to an empty text (recorded: pat-ip-values).
//
//lint:ignore ST1005 DHIS2's words
var errNoAddress = errors.New(`Cannot invoke "String.split(String, int)" because "inet6Address" is null`)

// containsAddr reports whether an address lies in a prefix. The zero address, and
// one with a zone, is in none.
func containsAddr(prefixes []netip.Prefix, a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// orNull is how DHIS2 prints an empty text of a list.
func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}
