package caches

import (
	"net/http"
	"strings"
	"time"
)

// expiresLater reports whether the answer has an Expires that lets caches store
// it. A value that no cache can read has expired (RFC 9111); one that only some
// can read may be in the future.
func expiresLater(h http.Header, now time.Time) bool {
	// Caches count from the answer's own Date, so an app whose clock is behind
	// still gives its answers a lifetime.
	for name, lines := range h {
		if strings.EqualFold(name, "Date") {
			for _, line := range lines {
				if date, err := http.ParseTime(line); err == nil && date.Before(now) {
					now = date
				}
			}
		}
	}
	for name, lines := range h {
		if strings.EqualFold(name, "Expires") {
			for _, line := range lines {
				if !isPast(line, now) {
					return true
				}
			}
		}
	}
	return false
}

// oddDates are formats that old servers write and some caches read.
var oddDates = []string{
	"Mon, 02 Jan 2006 15:04:05 MST", "Mon, 02-Jan-2006 15:04:05 MST", "Mon, 02-Jan-06 15:04:05 MST", time.RFC1123Z,
}

func isPast(expires string, now time.Time) bool {
	expires = trimOWS(expires)
	if expires == "" || !isPositive(expires) {
		return true // apps write 0 and -1 for "already expired"
	}
	if at, err := http.ParseTime(expires); err == nil {
		return !at.After(now)
	}
	for _, form := range oddDates {
		// Allow a day, because the name of a time zone is ambiguous.
		if at, err := time.Parse(form, expires); err == nil {
			return at.Before(now.Add(-24 * time.Hour))
		}
	}
	return false
}
