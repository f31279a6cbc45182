package ledger

import (
	"bytes"
	"log/slog"
	"slices"
	"time"
)

// freshness is how long LastSeen is not updated: when a crowd signs in again,
// not every sign-in may cost a disk write.
const freshness = time.Hour

// Change is what one call changes in the persons of a ledger.
type Change struct {
	verdict placement
	Person  Person  // the person after the change
	Left    *Person // the person the openid moved away from, after the change; nil if it did not move
	Gone    string  // id of the record that was merged into Person and ends; "" if there is none
	Dirty   bool    // there is something to write
	News    bool    // something other than times changed
}

// Decide returns what an observation changes. byOpenID and byUnionID are the
// persons whom the ledger knows by its two names, nil for none. order returns a
// new person's place in the order of creation, and is called at most once. The
// change shares no memory with the arguments. ErrNotFound: see OnlyKnown.
func (s *Observation) Decide(byOpenID, byUnionID *Person, order func() (uint64, error)) (Change, error) {
	if err := s.admits(byOpenID); err != nil {
		return Change{}, err
	}
	return settle(judge(byOpenID, byUnionID, s), byOpenID, byUnionID, s, func() (string, uint64, error) {
		seq, err := order()
		return NewID(), seq, err
	})
}

// settle carries out the placement on copies. fresh returns the id and the
// place in the order of creation of a new person; it is called only for
// placements that create a person, and at most once.
func settle(v placement, byOpenID, byUnionID *Person, s *Observation, fresh func() (string, uint64, error)) (Change, error) {
	c := Change{verdict: v}
	switch v {
	case same, doubt, attach:
		c.Person = byOpenID.Clone()
	case join, move:
		c.Person = byUnionID.Clone()
	case merge:
		c.Person, c.Gone = unite(byOpenID, byUnionID)
	case create, createApart, moveNew, moveApart:
		id, seq, err := fresh()
		if err != nil {
			return Change{}, err
		}
		c.Person = Person{ID: id, seq: seq, FirstSeen: s.At}
	}
	if v == attach || v == create || v == moveNew {
		c.Person.UnionID = s.UnionID
	}
	if v.moves() {
		c.Left = without(byOpenID, s)
	}
	// An openid that is new here, or moved here, begins without data. A consent
	// given under another unionid may have been another human's: it does not
	// count any more.
	if c.Person.account(s.AppID, s.OpenID) < 0 {
		c.Person.Accounts = append(c.Person.Accounts, Account{AppID: s.AppID, OpenID: s.OpenID, FirstSeen: s.At})
	}
	structural := v != same && v != doubt
	stale, news := c.Person.update(s, structural)
	c.News = news || structural
	c.Dirty = stale || c.News
	if c.News {
		c.Person.Version++
	}
	return c, nil
}

// update adds times, consent and profile of an observation to the person. It
// reports whether LastSeen was too old to stay, and whether anything but times
// changed; if neither, and nothing else requires a write, the person stays as
// it was.
func (p *Person) update(s *Observation, structural bool) (stale, news bool) {
	i := p.account(s.AppID, s.OpenID)
	a := p.Accounts[i]
	before := *p
	news = p.take(s.Profile, s.At) || (s.Consent && a.ConsentAt.IsZero())
	news = a.takePhone(s) || news
	stale = a.takeSealed(s) || s.At.Sub(a.LastSeen) >= freshness
	if !stale && !news && !structural {
		*p = before
		return false, false
	}
	if s.Consent {
		a.ConsentAt = later(a.ConsentAt, s.At)
	}
	a.LastSeen = later(a.LastSeen, s.At)
	p.Accounts[i] = a
	p.LastSeen = later(p.LastSeen, s.At)
	return stale, news
}

// takePhone sets the phone number of the account and reports whether it
// differs. An answer that arrives late changes nothing.
func (a *Account) takePhone(s *Observation) (news bool) {
	if s.Phone == "" || s.At.Before(a.PhoneAt) {
		return false
	}
	news = a.Phone != s.Phone
	a.Phone, a.PhoneAt = s.Phone, s.At
	return news
}

// takeSealed sets the sealed values, and reports whether there were any. They
// are not news: only their owner reads them, and WeChat gives new ones at each
// sign-in.
func (a *Account) takeSealed(s *Observation) (taken bool) {
	take := func(to *[]byte, from []byte) {
		if from == nil || bytes.Equal(*to, from) {
			return
		}
		if *to, taken = bytes.Clone(from), true; len(from) == 0 {
			*to = nil
		}
	}
	take(&a.Grant, s.Grant)
	take(&a.SessionKey, s.SessionKey)
	return taken
}

// unite merges two persons, of whom at most one has a unionid. The one first
// created wins.
func unite(p, q *Person) (Person, string) {
	if q.older(p) {
		p, q = q, p
	}
	u := p.Clone()
	u.UnionID = max(p.UnionID, q.UnionID) // one of the two is empty
	u.Accounts = append(u.Accounts, q.Accounts...)
	u.Merged = append(append(u.Merged, q.Merged...), q.ID)
	if u.betterProfile(q) {
		u.Nickname, u.AvatarURL, u.ProfileAt = q.Nickname, q.AvatarURL, q.ProfileAt
	}
	u.LastSeen = later(u.LastSeen, q.LastSeen)
	u.Version = max(p.Version, q.Version) // higher than both versions
	return u, q.ID
}

// without returns the person after the observation's openid has moved away.
func without(p *Person, s *Observation) *Person {
	rest := p.Clone()
	i := rest.account(s.AppID, s.OpenID)
	rest.Accounts = slices.Delete(rest.Accounts, i, i+1)
	rest.Version++
	return &rest
}

// Report logs contradictions that an operator should look at.
func (c *Change) Report(logger *slog.Logger) {
	if logger == nil || !c.verdict.doubted() {
		return
	}
	if c.verdict.moves() {
		logger.Warn("WeChat now gives another unionid for an openid than before; the openid was moved away from its person",
			"person", c.Person.ID, "left", c.Left.ID)
		return
	}
	logger.Warn("WeChat gave a unionid that belongs to another openid of the same app; the unionid was ignored",
		"person", c.Person.ID)
}

// IDs returns all ids under which a cache may hold data that the change made
// old.
func (c *Change) IDs() []string {
	ids := c.Person.IDs()
	if c.Left != nil {
		ids = append(ids, c.Left.IDs()...)
	}
	return ids
}
