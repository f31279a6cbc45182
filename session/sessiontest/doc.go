// Package sessiontest holds the contract of session.Store as a test suite:
// every store of sessions runs it, and callers may rely on nothing else.
//
// It is for tests only and imports the standard library and package session.
package sessiontest
