package limit

import (
	"net/netip"
	"sync"
)

// Places limits how much runs at once, and divides it among networks. A network
// gets an equal part of the total at most, and one part stays free for a
// network that comes later (attack: one network holds every place). Its memory
// is bounded by Total.
type Places struct {
	Total int

	mu   sync.Mutex
	held map[netip.Prefix]int
	sum  int
}

// Enter takes one of total places for a network and returns the function that
// leaves it. It is not ok if there is none.
func (p *Places) Enter(total int, network netip.Prefix) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	others := len(p.held)
	if p.held[network] > 0 {
		others--
	}
	part := max(1, total/(others+2)) // this network, and one that comes later
	if p.sum >= total || p.held[network] >= part {
		return nil, false
	}
	if p.held == nil {
		p.held = make(map[netip.Prefix]int)
	}
	p.held[network]++
	p.sum++
	return sync.OnceFunc(func() { p.leave(network) }), true
}

func (p *Places) leave(network netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum--
	if p.held[network]--; p.held[network] == 0 {
		delete(p.held, network)
	}
}
