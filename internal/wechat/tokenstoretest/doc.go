// Package tokenstoretest tests the contract of a wechat.TokenStore: a record
// can be loaded until it expires, a lock has one owner at a time, and instances
// over the same storage have the same records.
package tokenstoretest
