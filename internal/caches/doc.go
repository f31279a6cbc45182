// Package caches keeps our cookies out of answers that shared caches may keep
// ([KeepFrom]): they would hand one visitor's session to others. It reads what an answer
// says about caches as careful and as careless caches read it, and takes the stricter.
//
// It imports internal/cookies, to know a cookie of ours, and the standard library.
package caches
