//go:build fleet

package ledgertest

// UnderLoad says that the tests of many at once run alone, in ./test/fleet.sh, with their whole load: how long they
// take counts too.
const UnderLoad = true

// manyWaiting is how many events wait in ManyWaiting.
const manyWaiting = 100_000
