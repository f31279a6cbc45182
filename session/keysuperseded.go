package session

import "time"

// supersededAt returns the moment from which configured keys seal instead of
// generated ones. A moment that cannot be true is none: before the newest generated
// key was made, or far in the future. A clock was wrong then, and keys must neither
// go at once nor stay for ever because of it.
func (f keyFile) supersededAt(now time.Time) (at time.Time, ok bool) {
	at = f.Superseded
	newest := f.Keys[len(f.Keys)-1].Created
	early := at.Before(newest) && !newest.After(now) // a key from the future proves nothing
	return at, !at.IsZero() && !early && !at.After(now.Add(24*time.Hour))
}

// retired says whether configured keys have sealed for so long that nothing lives
// any more that these keys sealed.
func (f keyFile) retired(now time.Time, keep time.Duration) bool {
	at, ok := f.supersededAt(now)
	// Another gateway may have gone on with the generated keys for a while, as
	// after a rotation.
	return ok && !now.Before(at.Add(2*keyGrace+keep))
}
