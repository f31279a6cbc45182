package webhook

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	// giveUp is how long after its first attempt an event is tried.
	giveUp = 72 * time.Hour
	// maxRetryAfter bounds what a receiver may ask for: a wrong header must not silence it for years.
	maxRetryAfter = time.Hour
)

// pauses are what lies between an attempt and the next; the last one repeats.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour,
}

// next says when to try again what has failed for the attempts-th time (1 is the first), ok false when it is to be
// buried. The last attempt is made when the three days are over, whatever the pause. After is the least pause.
func next(attempts int, first, now time.Time, after time.Duration) (at time.Time, ok bool) {
	end := first.Add(giveUp)
	if !now.Before(end) {
		return time.Time{}, false
	}
	pause := pauses[min(max(attempts, 1), len(pauses))-1]
	pause += rand.N(pause / 5) //nolint:gosec // jitter, so that what failed together does not come back together
	at = now.Add(max(pause, after))
	if at.After(end) {
		at = end
	}
	return at, true
}

// retryAfter reads a Retry-After of 429 or 503 (RFC 9110, 10.2.3): seconds or a date. Zero if there is none that can be read.
func retryAfter(status int, h http.Header, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	value := h.Get("Retry-After")
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err == nil || errors.Is(err, strconv.ErrRange) { // out of range is the largest there is
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
