// Package caches keeps our cookies out of answers that shared caches may store
// ([KeepFrom]): they would give one visitor's session to others. It reads an
// answer's cache headers like careful and like careless caches, and uses the
// stricter reading.
//
// It imports internal/cookies, to recognise a cookie of ours, and the standard
// library.
package caches
