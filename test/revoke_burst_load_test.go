//go:build fleet

package test

// How many people and pushes TestBurstOfPushes has when it runs alone, in
// ./test/fleet.sh: every push must be answered before WeChat gives up.
const (
	burstPeople, burstCopies = 2000, 5
	burstIsMeasured          = true
)
