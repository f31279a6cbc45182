//go:build !fleet

package test

// How many people and pushes TestBurstOfPushes has. The whole load, and how
// long it may take, is measured alone, by ./test/fleet.sh.
const (
	burstPeople, burstCopies = 400, 5
	burstIsMeasured          = false
)
