package ledger

import (
	"slices"
	"strings"
	"time"
)

// Limits of one person. The unionid of an observation that would pass them is
// ignored (see placement.go): no operator has so many app ids, and a record
// must not grow without limit.
const (
	maxAccounts = 64
	maxMerged   = 64
)

// Person is one human. It is a copy: changing it changes nothing in the ledger.
type Person struct {
	// ID is the stable id: 26 characters of lower-case base32, 16 random bytes,
	// derived from nothing.
	ID string
	// UnionID is WeChat's id across the apps of one Open Platform account; ""
	// until known, and then never another.
	UnionID string
	// Accounts are the openids of this person. Empty if every openid has moved
	// away.
	Accounts []Account
	// Merged are ids by which this person was known before records were merged,
	// oldest merge first; all still lead to the person.
	Merged []string
	// Nickname and AvatarURL are as WeChat last gave them, cleaned; show them
	// only if Consented. Treat them as hostile text.
	Nickname, AvatarURL string
	// ProfileAt is when the profile was last given (to the hour), zero if
	// never.
	ProfileAt time.Time
	// FirstSeen and LastSeen are UTC and of second precision; LastSeen may lag
	// behind by one hour.
	FirstSeen, LastSeen time.Time
	// Version grows with each change, except of LastSeen, ProfileAt, PhoneAt,
	// FollowAt, the time of a consent that was given before, and sealed values.
	Version uint64

	seq uint64 // order of creation within one store; orders persons first seen in one second
}

// Account is one openid: the person in one app.
type Account struct {
	AppID, OpenID string
	// ConsentAt is when the person last consented to give this app id their
	// profile (to the hour); zero means never.
	ConsentAt time.Time
	// FirstSeen and LastSeen are as in Person.
	FirstSeen, LastSeen time.Time
	// Grant is a sealed refresh token, SessionKey the sealed session_key of a
	// mini program; nil if there is none. At most 4096 bytes each. The ledger
	// cannot read them.
	Grant, SessionKey []byte
	// Phone is a phone number, as in Observation; "" if none was given. PhoneAt
	// is when it was last given (to the hour).
	Phone   string
	PhoneAt time.Time
	// Follow says whether the person follows this official account, FollowAt
	// when WeChat last said so (it may lag behind by one hour). FollowPushed is
	// WeChat's time of the last push about it, zero for none. See Following.
	Follow       Follow
	FollowAt     time.Time
	FollowPushed time.Time
}

// Account returns the person's account of this app id, false if there is none.
func (p Person) Account(appID string) (Account, bool) {
	i := slices.IndexFunc(p.Accounts, func(a Account) bool { return a.AppID == appID })
	if i < 0 {
		return Account{}, false
	}
	return p.Accounts[i], true
}

// Consented reports whether the person consented to give this app id their
// profile.
func (p Person) Consented(appID string) bool {
	return slices.ContainsFunc(p.Accounts, func(a Account) bool {
		return a.AppID == appID && !a.ConsentAt.IsZero()
	})
}

// OpenID returns the person's openid for this app id, "" if there is none.
func (p Person) OpenID(appID string) string {
	for _, a := range p.Accounts {
		if a.AppID == appID {
			return a.OpenID
		}
	}
	return ""
}

// Holds reports whether this openid belongs to the person. A session whose
// openid no longer belongs to its person (it moved away, see placement.go) must
// not be accepted as that person.
func (p Person) Holds(appID, openID string) bool { return p.account(appID, openID) >= 0 }

// Is reports whether an id is one of the person's, older ids included.
func (p Person) Is(id string) bool { return p.ID == id || slices.Contains(p.Merged, id) }

// account returns the index of an openid, -1 if the person does not hold it.
func (p *Person) account(appID, openID string) int {
	return slices.IndexFunc(p.Accounts, func(a Account) bool { return a.AppID == appID && a.OpenID == openID })
}

// Clone returns a copy that shares no mutable memory.
func (p Person) Clone() Person {
	p.Accounts = slices.Clone(p.Accounts)
	for i := range p.Accounts {
		a := &p.Accounts[i]
		a.Grant, a.SessionKey = slices.Clone(a.Grant), slices.Clone(a.SessionKey)
	}
	p.Merged = slices.Clone(p.Merged)
	return p
}

// older orders two persons by creation: first seen, then created, then (for
// records of different stores) id.
func (p *Person) older(q *Person) bool {
	switch {
	case !p.FirstSeen.Equal(q.FirstSeen):
		return p.FirstSeen.Before(q.FirstSeen)
	case p.seq != q.seq:
		return p.seq < q.seq
	}
	return strings.Compare(p.ID, q.ID) < 0
}

// IDs returns every id that leads to the person.
func (p *Person) IDs() []string { return append([]string{p.ID}, p.Merged...) }

// Order returns the person's place in the order of creation within the store
// that made it.
func (p *Person) Order() uint64 { return p.seq }
