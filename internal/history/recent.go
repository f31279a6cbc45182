package history

import "time"

// Recent is how many sign-ins ended lately.
type Recent struct {
	Since    time.Time         `json:"since"`
	Finished map[string]uint64 `json:"finished"` // by outcome; without those that did not happen
}

// Recent returns the sign-ins of the last hour, or since the Ring was made.
// Since is the beginning of a bucket: the hour is up to a [Step] shorter.
func (r *Ring) Recent() Recent {
	now := time.Now().UTC()
	recent := Recent{Since: now, Finished: make(map[string]uint64)}
	for _, b := range r.Buckets() {
		if now.Sub(b.From) > time.Hour {
			continue
		}
		if b.From.Before(recent.Since) {
			recent.Since = b.From
		}
		for outcome, n := range b.Finished {
			recent.Finished[outcome] += n
		}
	}
	if recent.Since.Before(r.begun) {
		recent.Since = r.begun
	}
	return recent
}
