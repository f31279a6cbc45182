package request

import (
	"net"
	"net/netip"
	"strings"
)

// The bits of an address that identify a client network: the smallest network
// that a provider gives to one customer. Shares and limits count networks, not
// addresses (attack: one machine uses another IPv6 address for each request).
const (
	networkBits4 = 24
	networkBits6 = 56
)

// NetworkOf returns the client network of an address. All unknown addresses,
// such as those of Unix sockets, are one network: the zero Prefix.
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

// ParseAddr reads a client's address, with or without a port. It returns the
// zero Addr for any other text.
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

// MaskAddr returns the part of an address that tells only its rough location.
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

// NetworkName formats a masked address for people: 203.0.113.x or
// 2001:db8:1::x.
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
