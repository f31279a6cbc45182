package scan

import (
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/request"
)

// Attack: the number beside a code is drawn again and again until it is the one
// that the attacker has told the victim to pick. Codes are bounded for each
// network, and for each browser where it is known; neither costs the others
// theirs.
func TestAttackCodesAreNotDrawnAtWill(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		browser       string
		addresses     int
		atOnce, later int // in the hour after it
	}{
		"of one network":            {"", 200, 60, 3600},
		"of one address":            {"", 1, 20, 1200},
		"of one browser, by script": {"browser", 1, 5, 360},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, turn := newLimits(), 0
				count := func() (n int) {
					for refused := 0; refused < row.addresses; turn++ {
						if l.MayShow(row.browser, netip.AddrFrom4([4]byte{10, 0, 1, byte(turn % row.addresses)})) {
							n, refused = n+1, 0
						} else {
							refused++
						}
					}
					return n
				}
				if n := count(); n != row.atOnce {
					t.Errorf("%d at once, want %d", n, row.atOnce)
				}
				neighbour := netip.MustParseAddr("10.0.1.250")
				if !l.MayShow("other", netip.MustParseAddr("10.0.2.1")) || row.addresses == 1 && !l.MayShow("other", neighbour) {
					t.Error("others are shown none")
				}
				later := 0
				for range 3600 {
					time.Sleep(time.Second)
					later += count()
				}
				if later < row.later-1 || later > row.later {
					t.Errorf("%d in an hour, want %d", later, row.later)
				}
			})
		})
	}
}

// Attack: one browser, or one network, asks without end, so that others hear of
// their phone late.
func TestAttackPollsOfOneTakeNoneFromOthers(t *testing.T) {
	t.Parallel()
	ids := 0
	fresh := func() string { ids++; return strconv.Itoa(ids) }
	asks := func(l *Limits, n int, id func() string, from netip.Prefix, now time.Time) (allowed int) {
		for range n {
			if l.MayAsk(id(), from, now) {
				allowed++
			}
		}
		return allowed
	}
	now := time.Unix(1e9, 0)
	t.Run("one code", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, one := newLimits(), func() string { return "one" }
			if n := asks(l, 100, one, net4(1), time.Now()); n != 5 {
				t.Errorf("%d at once", n)
			}
			time.Sleep(3 * time.Second)
			if n := asks(l, 100, one, net4(1), time.Now()); n != 3 {
				t.Errorf("%d in three seconds", n)
			}
			if n := asks(l, 100, fresh, net4(1), time.Now()); n != 100 {
				t.Errorf("its neighbours: %d of 100", n)
			}
		})
	})
	t.Run("one network", func(t *testing.T) {
		l := newLimits()
		if n := asks(l, 5000, fresh, net4(1), now); n != 400 {
			t.Errorf("%d of one network", n)
		}
		if n := asks(l, 100, fresh, net4(2), now); n != 100 {
			t.Errorf("another one: %d of 100", n)
		}
	})
	t.Run("many networks at the beginning of each second", func(t *testing.T) {
		l, at := newLimits(), now
		for range 3 {
			at = at.Add(time.Second)
			for i := range 50 {
				asks(l, 100, fresh, net4(i), at)
			}
			for i := 100; i < 110; i++ { // who comes last has as much
				if n := asks(l, 30, fresh, net4(i), at); n == 0 && at != now.Add(time.Second) {
					t.Errorf("network %d: none", i)
				}
			}
		}
	})
	t.Run("in all", func(t *testing.T) {
		l, sum := newLimits(), 0
		for i := range 3000 {
			sum += asks(l, 3, fresh, net4(i), now)
		}
		if sum > maxAsks {
			t.Errorf("%d in a second", sum)
		}
	})
}

// net4 is the i-th network of a test.
func net4(i int) netip.Prefix {
	return request.NetworkOf(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 7}))
}
