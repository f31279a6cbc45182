package limit

import (
	"net/netip"
	"testing"
	"time"
)

// Attack 39 again: many networks fill the memory.
func TestAttackLimitersAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := Share{Total: 10, Most: 10}
	for i := range maxSharing + 100 {
		b := netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 0})
		s.Take(netip.PrefixFrom(b, 24), now)
	}
	if len(s.taken) != maxSharing {
		t.Errorf("%d networks kept", len(s.taken))
	}
}
