//go:build !fleet

package push

// How much TestBurst sends. The whole load, and how long it may take, is
// measured alone, by ./test/fleet.sh.
const (
	burstEvents, burstPushes = 600, 2000
	burstIsMeasured          = false
)
