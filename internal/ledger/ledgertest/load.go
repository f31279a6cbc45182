//go:build !fleet

package ledgertest

// UnderLoad says that the tests with many events run with their whole load.
// Without the tag fleet they run beside other tests, with a small load:
// ./test/fleet.sh measures.
const UnderLoad = false

// manyWaiting is how many events wait in ManyWaiting.
const manyWaiting = 2000
