package ledger

import (
	"fmt"
	"time"
)

// Follow says whether a person follows an official account.
type Follow uint8

// The zero value is that nothing is known: WeChat must be asked.
const (
	FollowUnknown Follow = iota
	Follows
	FollowsNot
)

// followWords are the texts of the values, in files and exports.
var followWords = [...]string{FollowUnknown: "unknown", Follows: "yes", FollowsNot: "no"}

// MarshalText implements encoding.TextMarshaler.
func (f Follow) MarshalText() ([]byte, error) {
	if int(f) >= len(followWords) {
		return nil, fmt.Errorf("%w: %d does not say whether a person follows", ErrInvalid, f)
	}
	return []byte(followWords[f]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Follow) UnmarshalText(text []byte) error {
	for i, word := range followWords {
		if word == string(text) {
			*f = Follow(i)
			return nil
		}
	}
	return fmt.Errorf("%w: %.16q does not say whether a person follows", ErrInvalid, text)
}

// FollowMark is what the ledger knows about a follower, apart from the time at
// which it was last heard. Two marks differ if something was learnt between
// them.
type FollowMark struct {
	Follow Follow
	Pushed time.Time
}

// FollowMark returns the mark of an account.
func (a *Account) FollowMark() FollowMark { return FollowMark{a.Follow, a.FollowPushed} }

// Following says that a person follows an official account, or does not: an
// answer of WeChat, or its push.
type Following struct {
	// AppID and OpenID name the account.
	AppID, OpenID string
	// Follow is what is known now. FollowUnknown means that the last answer is
	// no longer true.
	Follow Follow
	// At is when WeChat was asked, or the push arrived; zero means now.
	At time.Time
	// Pushed is WeChat's own time of a push, zero for an answer. An older push
	// than the last one changes nothing; of two pushes of one second, that of
	// an unfollow wins.
	Pushed time.Time
	// Known is the mark that the ledger had before WeChat was asked, for an
	// answer. If it is another one now, a push came meanwhile, and the answer
	// changes nothing.
	Known FollowMark
}

// Normal returns the following with its time set, or ErrInvalid.
func (f Following) Normal() (Following, error) {
	if !Identifier(f.AppID) || !Identifier(f.OpenID) {
		return f, fmt.Errorf("%w: a following needs an app id and an openid, of 1 to %d visible ASCII characters", ErrInvalid, maxIdentifier)
	}
	if f.At.IsZero() {
		f.At = time.Now()
	}
	if !times(seconds(f.At), seconds(f.Pushed)) || f.Follow > FollowsNot {
		return f, fmt.Errorf("%w: the times of a following must lie between the years 1970 and 9999", ErrInvalid)
	}
	f.At, f.Pushed = moment(seconds(f.At)), moment(seconds(f.Pushed)) // the form in which they are stored
	return f, nil
}

// Apply returns what a following changes in the person who has its openid. A
// repeated answer is written only if the last one is an hour old: not every
// question may cost a disk write.
func (f *Following) Apply(p *Person) Change {
	c := Change{Person: p.Clone()}
	i := c.Person.account(f.AppID, f.OpenID)
	if i < 0 {
		return c
	}
	a := &c.Person.Accounts[i]
	before := a.FollowMark()
	if !f.counts(before) {
		return c
	}
	a.Follow = f.Follow
	if !f.Pushed.IsZero() {
		a.FollowPushed = f.Pushed
	}
	c.News = a.FollowMark() != before
	if c.Dirty = c.News || f.At.Sub(a.FollowAt) >= freshness; !c.Dirty {
		return c
	}
	a.FollowAt = f.At
	if c.News {
		c.Person.Version++
	}
	return c
}

// counts reports whether a following is newer than what is known.
func (f *Following) counts(known FollowMark) bool {
	switch {
	case f.Pushed.IsZero():
		return known == f.Known
	case f.Pushed.Equal(known.Pushed):
		return f.Follow == FollowsNot && known.Follow != FollowsNot
	default:
		return f.Pushed.After(known.Pushed)
	}
}
