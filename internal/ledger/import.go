package ledger

import (
	"fmt"
	"slices"
	"time"
)

// maxCount leaves versions and the order of creation room to grow after an
// import.
const maxCount = 1 << 62

// fault names the first field that this ledger could not have written, "" if
// there is none.
func (p *Person) fault() string {
	r := newRecord(p)
	if fault := r.fault(); fault != "" {
		return fault
	}
	if p.UnionID == "" && len(p.Accounts) == 0 {
		return "name: it has none"
	}
	apps := map[string]bool{}
	for _, a := range p.Accounts {
		if apps[a.AppID] { // a human has one openid for each app
			return "account: two openids of one app id"
		}
		apps[a.AppID] = true
		if a.FirstSeen.IsZero() || a.LastSeen.IsZero() {
			return "account: no time"
		}
	}
	for i, id := range p.Merged {
		if slices.Contains(p.Merged[:i], id) {
			return "merged id"
		}
	}
	if p.FirstSeen.IsZero() || p.LastSeen.IsZero() {
		return "time"
	}
	if p.Version == 0 || p.Version > maxCount || p.seq > maxCount {
		return "version or order"
	}
	return ""
}

// Normal returns a copy as a store would return it, or ErrInvalid. It moves
// times in the future to now: otherwise all later observations would count as
// older (attack: an import freezes a profile for ever).
func (p Person) Normal() (Person, error) {
	if fault := p.fault(); fault != "" {
		return Person{}, fmt.Errorf("%w: the person has a bad %s", ErrInvalid, fault)
	}
	r := newRecord(&p)
	n := r.person().Clone()
	now := time.Now().UTC().Truncate(time.Second)
	n.FirstSeen, n.LastSeen = sooner(n.FirstSeen, now), sooner(n.LastSeen, now)
	n.ProfileAt = sooner(n.ProfileAt, now)
	for i := range n.Accounts {
		a := &n.Accounts[i]
		a.FirstSeen, a.LastSeen = sooner(a.FirstSeen, now), sooner(a.LastSeen, now)
		a.ConsentAt, a.PhoneAt = sooner(a.ConsentAt, now), sooner(a.PhoneAt, now)
		a.FollowAt, a.FollowPushed = sooner(a.FollowAt, now), sooner(a.FollowPushed, now)
	}
	return n, nil
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// includes reports whether p is at least as new as old and contains all ids and
// names of it, so that importing old would add nothing.
func (p *Person) includes(old *Person) bool {
	if p.Version < old.Version || old.UnionID != "" && p.UnionID != old.UnionID {
		return false
	}
	if p.ID != old.ID && !slices.Contains(p.Merged, old.ID) {
		return false
	}
	for _, a := range old.Accounts {
		if !p.Holds(a.AppID, a.OpenID) {
			return false
		}
	}
	return !slices.ContainsFunc(old.Merged, func(id string) bool { return !slices.Contains(p.Merged, id) })
}
