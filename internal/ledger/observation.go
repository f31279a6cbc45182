package ledger

import (
	"fmt"
	"time"
)

// maxIdentifier bounds app ids, openids and unionids, in bytes. WeChat's have
// 18 and 28 characters.
const maxIdentifier = 128

// MaxTime is the last second that a record can hold, the end of the year 9999.
const MaxTime = 253402300799

// Observation is one sign-in as WeChat reported it. It must not be made from a
// virtual visitor (is_snapshotuser).
type Observation struct {
	// AppID and OpenID are required.
	AppID, OpenID string
	// UnionID is the unionid that WeChat gave, "" if it gave none.
	UnionID string
	// Consent says that the visitor consented, in this sign-in, to give AppID
	// their profile.
	Consent bool
	// Profile is the visitor's profile from WeChat; nil if WeChat was not
	// asked.
	Profile *Profile
	// At is when this happened; zero means now.
	At time.Time
	// SignedIn marks a sign-in for whose event targets may want to be told: if
	// a target wants the event, it is queued in the same step. Scope is for the
	// event: at most 64 visible ASCII characters, or "".
	SignedIn bool
	Scope    string
	// Grant is a sealed refresh token, and SessionKey the sealed session_key of
	// a mini program, to be stored with the account; nil keeps the stored
	// value, empty removes it. At most 4096 bytes each.
	Grant, SessionKey []byte
	// Phone is the number that WeChat gave, such as "+86 13800000000": at most
	// 32 bytes of printable ASCII. "" keeps the stored number.
	Phone string

	// OnlyKnown marks an answer of WeChat about a person, without a visit.
	// Observe then fails with ErrNotFound, and does nothing, unless the openid
	// is known and has consented: a late answer must not bring back a person
	// who was erased, or a consent that was withdrawn, meanwhile.
	OnlyKnown bool

	event string // id of the sign-in's event: the same each time the change is decided
}

// Limits of the data stored with an account, in bytes.
const (
	maxSealed = 4096
	maxPhone  = 32
)

// Normal returns the observation with its time set and its profile cleaned, or
// ErrInvalid. No error text repeats the observation: errors go to logs, and
// openids are personal data.
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
		return s, fmt.Errorf("%w: a sealed value must have at most %d bytes", ErrInvalid, maxSealed)
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

// admits returns ErrNotFound for an answer about a person who is no longer
// known.
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

// Identifier reports whether s can be an id of WeChat: short enough, and
// without blanks, control bytes or other bytes that could break out of a
// header, a log line or an index key.
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
