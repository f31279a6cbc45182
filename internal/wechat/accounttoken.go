package wechat

import (
	"encoding/json"
	"time"
)

// Limits of a loan.
const (
	leastAhead = time.Minute      // a loan is renewed this long before its end, at least
	maxSkew    = 10 * time.Minute // how far the clocks of a fleet may be apart
	maxRecord  = 4096             // bytes of a record
	forceEvery = 30 * time.Second // WeChat does not force a new token sooner (E2)
)

// accountToken is something an account has from WeChat for some time: its token, or its
// ticket.
type accountToken struct {
	value            Secret
	fetched, expires time.Time
	// forced is when somebody of the fleet last made WeChat give another value,
	// and forces how often in a row, no day apart.
	forced time.Time
	forces int
	// stuck says that WeChat was made to give another value for this one, and
	// gave it again.
	stuck bool
}

// good reports whether the loan is of use.
func (l accountToken) good(now time.Time) bool { return !l.value.IsZero() && now.Before(l.expires) }

// due reports whether it is time for the next one: a tenth of its life is left, or
// a minute, whichever is more, but never more than half of it. WeChat's loans may
// live for as little as 300 seconds; the fixed margins of SDKs (300, 1500) would
// make every use of such a one a fetch.
func (l accountToken) due(now time.Time) bool {
	life := l.expires.Sub(l.fetched)
	ahead := min(max(life/10, leastAhead), life/2)
	return !now.Before(l.expires.Add(-ahead))
}

// serves reports whether the loan is what a renewal is after: one that is not due
// or, if WeChat refused a value, another than that.
func (l accountToken) serves(now time.Time, refused Secret) bool {
	if refused.IsZero() {
		return l.good(now) && !l.due(now)
	}
	return l.good(now) && l.value != refused
}

// mayForce reports whether WeChat may be made to give another value for this one,
// which it refuses: never twice for the same value, and not so often that a token
// that is refused for ever uses up the 20 of a day (after 30 seconds, then 2, 8,
// 32 and each 128 minutes).
func (l accountToken) mayForce(now time.Time) bool {
	wait := forceEvery << (2 * min(max(l.forces-1, 0), 4))
	return !l.stuck && (l.forced.IsZero() || now.Sub(l.forced) >= wait)
}

// tried notes that WeChat is made to give another value.
func (l *accountToken) tried(now time.Time) {
	if now.Sub(l.forced) >= 24*time.Hour {
		l.forces = 0
	}
	l.forced = now
	l.forces = min(l.forces+1, 5)
}

// record is a loan as a TokenStore keeps it. Times are milliseconds since 1970.
type record struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Fetched int64  `json:"fetched"`
	Expires int64  `json:"expires"`
	Forced  int64  `json:"forced,omitempty"`
	Forces  int    `json:"forces,omitempty"`
	Stuck   bool   `json:"stuck,omitempty"`
}

// record writes the loan for a store.
func (l accountToken) record(key string) Secret {
	r := record{Key: key, Value: l.value.Reveal(), Fetched: l.fetched.UnixMilli(), Expires: l.expires.UnixMilli(), Stuck: l.stuck}
	if !l.forced.IsZero() {
		r.Forced, r.Forces = l.forced.UnixMilli(), l.forces
	}
	text, err := json.Marshal(r)
	if err != nil {
		return Secret{} // cannot be: strings and numbers
	}
	return NewSecret(string(text))
}

// parseLoan reads a record of a store. It reports false for what is not one of
// key's, or cannot be true.
func parseLoan(text Secret, key string, now time.Time) (accountToken, bool) {
	var r record
	if len(text.Reveal()) > maxRecord || json.Unmarshal([]byte(text.Reveal()), &r) != nil {
		return accountToken{}, false
	}
	l := accountToken{value: NewSecret(r.Value), fetched: time.UnixMilli(r.Fetched), expires: time.UnixMilli(r.Expires), stuck: r.Stuck}
	if r.Forced != 0 {
		l.forced, l.forces = time.UnixMilli(r.Forced), max(r.Forces, 1)
	}
	life := l.expires.Sub(l.fetched)
	ok := r.Key == key && // a record moved to another account's place
		sendable(r.Value, maxToken) &&
		life > 0 && life <= maxExpiresIn && // one that lives for ever
		l.fetched.Before(now.Add(maxSkew)) && l.forced.Before(now.Add(maxSkew))
	if !ok {
		return accountToken{}, false
	}
	return l, true
}
