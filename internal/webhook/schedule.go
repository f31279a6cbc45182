package webhook

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	// giveUp is how long an event is retried after its first attempt.
	giveUp = 72 * time.Hour
	// maxRetryAfter bounds a Retry-After: a wrong header must not stop
	// deliveries for years.
	maxRetryAfter = time.Hour
)

// pauses are the pauses between attempts; the last one repeats.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour,
}

// next returns the time of the next attempt after the given number of failed
// attempts. ok is false if the event must be buried. The last attempt is made
// when the three days are over, regardless of the pause. after is the shortest
// pause.
func next(attempts int, first, now time.Time, after time.Duration) (at time.Time, ok bool) {
	end := first.Add(giveUp)
	if !now.Before(end) {
		return time.Time{}, false
	}
	pause := pauses[min(max(attempts, 1), len(pauses))-1]
	pause += rand.N(pause / 5) //nolint:gosec // jitter, so that events that failed together are not retried together
	at = now.Add(max(pause, after))
	if at.After(end) {
		at = end
	}
	return at, true
}

// retryAfter reads the Retry-After of a 429 or 503 (RFC 9110, 10.2.3): seconds
// or a date. It returns 0 if there is no valid one.
func retryAfter(status int, h http.Header, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	value := h.Get("Retry-After")
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err == nil || errors.Is(err, strconv.ErrRange) { // out of range gives the largest number
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
