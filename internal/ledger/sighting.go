package ledger

import (
	"fmt"
	"time"
)

// maxIdentifier bounds app ids, openids and unionids, in bytes. WeChat's have 18 and 28 characters.
const maxIdentifier = 128

// maxTime is the last second a record can hold, the end of the year 9999.
const maxTime = 253402300799

// Sighting is one sign-in as WeChat reported it. Virtual visitors (is_snapshotuser) must never be put into one.
type Sighting struct {
	// AppID and OpenID are required.
	AppID, OpenID string
	// UnionID as WeChat gave it, "" if it gave none.
	UnionID string
	// Consent says that the visitor consented, in this sign-in, to give AppID their profile.
	Consent bool
	// Profile is what WeChat then told of the visitor; nil if it was not asked.
	Profile *Profile
	// At is when this happened; zero means now.
	At time.Time
}

// normal returns the sighting with its time settled and its profile cleaned, or ErrInvalid. No error text repeats what
// the sighting says: errors go to logs, and openids are personal data.
func (s Sighting) normal() (Sighting, error) {
	switch {
	case !identifier(s.AppID):
		return s, fmt.Errorf("%w: the app id must be 1 to %d visible ASCII characters", ErrInvalid, maxIdentifier)
	case !identifier(s.OpenID):
		return s, fmt.Errorf("%w: the openid must be 1 to %d visible ASCII characters", ErrInvalid, maxIdentifier)
	case s.UnionID != "" && !identifier(s.UnionID):
		return s, fmt.Errorf("%w: the unionid must be at most %d visible ASCII characters", ErrInvalid, maxIdentifier)
	}
	if s.At.IsZero() {
		s.At = time.Now()
	}
	if at := s.At.Unix(); at <= 0 || at > maxTime {
		return s, fmt.Errorf("%w: the time must lie between the years 1970 and 9999", ErrInvalid)
	}
	s.At = s.At.UTC().Truncate(time.Second)
	s.Profile = s.Profile.clean()
	return s, nil
}

// identifier reports whether s can be an id of WeChat's: bounded, and without blanks, control bytes or anything else
// that could break out of a header, a log line or an index key.
func identifier(s string) bool {
	if s == "" || len(s) > maxIdentifier {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
