//go:build fleet

package ledgertest

// UnderLoad says that the tests with many events run with their whole load,
// alone, in ./test/fleet.sh. Their time is checked too.
const UnderLoad = true

// manyWaiting is how many events wait in ManyWaiting.
const manyWaiting = 100_000
