// Package tokenstoretest is the contract of a wechat.TokenStore as tests: what is
// kept comes back until its time is over, a lock has one owner at a time, and
// instances over the same storage see the same.
package tokenstoretest
