// Package history remembers the last 24 hours of a gateway: how many sign-ins
// began and how they ended, what WeChat answered, and how long that took.
//
// A [Ring] has a bucket for each five minutes. It holds no name, address or id
// of a visitor, and its size is bounded: the words in a bucket are those of
// internal/counters, whose rows no visitor makes. It is kept in memory only.
//
// It imports internal/counters and the standard library.
package history
