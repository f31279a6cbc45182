//go:build !fleet

package ledgertest

// UnderLoad says that the tests of many at once run with their whole load. Here they run beside others, with a small
// one: ./test/fleet.sh measures.
const UnderLoad = false

// manyWaiting is how many events wait in ManyWaiting.
const manyWaiting = 2000
