package limit

import (
	"net/netip"
	"testing"
)

// Attack: one network holds every place for as long as it can.
func TestAttackPlacesHeldByOneNetwork(t *testing.T) {
	t.Parallel()
	var p Places
	first, second, third := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")
	take := func(network netip.Prefix) (leaves []func()) {
		for {
			leave, ok := p.Enter(8, network)
			if !ok {
				return leaves
			}
			leaves = append(leaves, leave)
		}
	}
	held := take(first)
	if len(held) != 4 {
		t.Fatalf("one network holds %d places of 8, want 4", len(held))
	}
	if n := len(take(second)); n != 2 {
		t.Errorf("a second network gets %d places, want 2", n)
	}
	if n := len(take(third)); n != 2 {
		t.Errorf("a third network gets %d places, want 2", n)
	}
	for _, leave := range held {
		leave()
		leave() // a second call frees no other place
	}
	if p.sum != 4 || len(p.held) != 2 {
		t.Errorf("%d places of %d networks are held, want 4 of 2", p.sum, len(p.held))
	}
	if _, ok := p.Enter(8, first); !ok {
		t.Error("a free place is not given")
	}
}
