package ledger

import (
	"fmt"
	"time"
)

// maxIdentifier bounds app ids, openids and unionids, in bytes. WeChat's have 18 and 28 characters.
const maxIdentifier = 128

// MaxTime is the last second a record can hold, the end of the year 9999.
const MaxTime = 253402300799

// Observation is one sign-in as WeChat reported it. Virtual visitors (is_snapshotuser) must never be put into one.
type Observation struct {
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
	// SignedIn says that this was a sign-in of which others may want to hear: if a target wants it, the event is kept in
	// the same step. Scope is for the event: at most 64 visible ASCII characters, or "".
	SignedIn bool
	Scope    string
	// Grant is a sealed refresh token, and SessionKey the sealed session_key of a mini program, to be kept with the
	// account; nil leaves what is there, empty forgets it. At most 4096 bytes each.
	Grant, SessionKey []byte
	// Phone is the number that WeChat gave, such as "+86 13800000000": at most 32 bytes of printable ASCII. "" leaves
	// what is there.
	Phone string

	// OnlyKnown says that nobody was seen: it is an answer about somebody. See then gives ErrNotFound, and does nothing, unless
	// the openid is known and has consented: whoever was erased, or took their consent back, while WeChat was asked must
	// not come back by its answer.
	OnlyKnown bool

	event string // id of the event of the sign-in: the same however often the change is decided on
}

// Limits of what is kept with an account, in bytes.
const (
	maxSealed = 4096
	maxPhone  = 32
)

// Normal returns the sighting with its time settled and its profile cleaned, or ErrInvalid. No error text repeats what
// the sighting says: errors go to logs, and openids are personal data.
func (s Observation) Normal() (Observation, error) {
	switch {
	case !Identifier(s.AppID):
		return s, fmt.Errorf("%w: the app id must be 1 to %d visible ASCII characters", ErrInvalid, maxIdentifier)
	case !Identifier(s.OpenID):
		return s, fmt.Errorf("%w: the openid must be 1 to %d visible ASCII characters", ErrInvalid, maxIdentifier)
	case s.UnionID != "" && !Identifier(s.UnionID):
		return s, fmt.Errorf("%w: the unionid must be at most %d visible ASCII characters", ErrInvalid, maxIdentifier)
	case s.Scope != "" && (!Identifier(s.Scope) || len(s.Scope) > maxScope):
		return s, fmt.Errorf("%w: the scope must be at most %d visible ASCII characters", ErrInvalid, maxScope)
	case len(s.Grant) > maxSealed || len(s.SessionKey) > maxSealed:
		return s, fmt.Errorf("%w: what is sealed must have at most %d bytes", ErrInvalid, maxSealed)
	case !Printable(s.Phone, maxPhone):
		return s, fmt.Errorf("%w: the phone number must be at most %d printable ASCII characters", ErrInvalid, maxPhone)
	}
	if s.At.IsZero() {
		s.At = time.Now()
	}
	if at := s.At.Unix(); at <= 0 || at > MaxTime {
		return s, fmt.Errorf("%w: the time must lie between the years 1970 and 9999", ErrInvalid)
	}
	s.At = s.At.UTC().Truncate(time.Second)
	s.Profile = s.Profile.clean()
	if s.SignedIn {
		s.event = NewID()
	}
	return s, nil
}

// admits gives ErrNotFound for an answer about somebody who is not known any more.
func (s *Observation) admits(byOpenID *Person) error {
	if !s.OnlyKnown {
		return nil
	}
	if byOpenID == nil {
		return ErrNotFound
	}
	if i := byOpenID.account(s.AppID, s.OpenID); i < 0 || byOpenID.Accounts[i].ConsentAt.IsZero() {
		return ErrNotFound
	}
	return nil
}

// Identifier reports whether s can be an id of WeChat's: bounded, and without blanks, control bytes or anything else
// that could break out of a header, a log line or an index key.
func Identifier(s string) bool {
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
