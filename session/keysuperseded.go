package session

import "time"

// supersededAt returns the moment from which configured keys seal instead of
// generated ones. It ignores a moment that cannot be true: one before the
// newest generated key was made, or far in the future. Then a clock was wrong,
// and because of that keys must neither go at once nor stay for ever.
func (f keyFile) supersededAt(now time.Time) (at time.Time, ok bool) {
	at = f.Superseded
	newest := f.Keys[len(f.Keys)-1].Created
	early := at.Before(newest) && !newest.After(now) // a key from the future proves nothing
	return at, !at.IsZero() && !early && !at.After(now.Add(24*time.Hour))
}

// retired reports whether configured keys have sealed for so long that every
// value that these keys sealed has expired.
func (f keyFile) retired(now time.Time, keep time.Duration) bool {
	at, ok := f.supersededAt(now)
	// Another gateway may have used the generated keys for a while longer, as
	// after a rotation.
	return ok && !now.Before(at.Add(2*keyGrace+keep))
}
