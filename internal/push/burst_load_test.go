//go:build fleet

package push

// How much TestBurst sends when it runs alone, in ./test/fleet.sh: every push
// must be answered before WeChat gives up.
const (
	burstEvents, burstPushes = 3000, 10_000
	burstIsMeasured          = true
)
