package gate

import "net/netip"

// Bits of an address that name a client network: what one customer of a provider
// is given at least. Shares and limits count networks, not addresses (attack: one
// machine takes another IPv6 address for each request).
const (
	networkBits4 = 24
	networkBits6 = 56
)

// networkOf returns the client network of an address. All addresses that are not
// known, such as those of unix sockets, are one network: the zero Prefix.
func networkOf(addr netip.Addr) netip.Prefix {
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

// network is the network that the visitor comes from.
func (r *Request) network() netip.Prefix { return networkOf(r.clientAddr()) }
