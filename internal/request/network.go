package request

import (
	"net"
	"net/netip"
	"strings"
)

// Bits of an address that name a client network: what one customer of a provider
// is given at least. Shares and limits count networks, not addresses (attack: one
// machine takes another IPv6 address for each request).
const (
	networkBits4 = 24
	networkBits6 = 56
)

// NetworkOf returns the client network of an address. All addresses that are not
// known, such as those of unix sockets, are one network: the zero Prefix.
func NetworkOf(addr netip.Addr) netip.Prefix {
	bits := networkBits6
	if addr.Is4() {
		bits = networkBits4
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// ParseAddr reads a client's address, with a port or without; the zero one if it is
// none.
func ParseAddr(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// MaskAddr keeps of an address what tells roughly where it is.
func MaskAddr(addr netip.Addr) netip.Prefix {
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// NetworkName is a masked address as people read it: 203.0.113.x or 2001:db8:1::x.
func NetworkName(p netip.Prefix) string {
	switch addr := p.Addr(); {
	case addr.Is4():
		return strings.TrimSuffix(addr.String(), "0") + "x"
	case addr.Is6():
		return addr.String() + "x"
	default:
		return ""
	}
}
