// Package counters counts what happens in a gateway: a [Counter], and the
// [Durations] of calls, each alone or in a [Table] by labels.
//
// A Table has only the rows that were added to it, all of them from the start.
// Something that has no row is not counted: what a visitor sends can make no
// row (attack: invented names fill the memory, here and in the system that
// reads the numbers).
//
// It knows nothing of what it counts, nor of the system that reads the numbers.
// It imports only the standard library. Nil counters, durations and tables
// count nothing.
package counters
