package wechat

import (
	"encoding/json"
	"time"
)

// Limits of an accountToken.
const (
	leastAhead = time.Minute      // renewal begins at least this long before the end
	maxSkew    = 10 * time.Minute // the largest difference between the clocks of a fleet
	maxRecord  = 4096             // bytes of a record
	forceEvery = 30 * time.Second // WeChat does not force a new token sooner (wechat-protocol E2)
)

// accountToken is a token or ticket of an account, with its lifetime.
type accountToken struct {
	value            Secret
	fetched, expires time.Time
	// forced is when a gateway of the fleet last made WeChat issue another
	// value. forces counts these times, as long as less than a day lies between
	// them.
	forced time.Time
	forces int
	// stuck says that WeChat was asked for another value and returned this one
	// again.
	stuck bool
}

// good reports whether the value can still be used.
func (l accountToken) good(now time.Time) bool { return !l.value.IsZero() && now.Before(l.expires) }

// due reports whether it is time for the next value: when a tenth of the
// lifetime is left, or a minute if that is more, but never more than half of
// the lifetime. WeChat's tokens may live only 300 seconds; with the fixed
// margins of SDKs (300, 1500), each use of such a token would fetch a new one.
func (l accountToken) due(now time.Time) bool {
	life := l.expires.Sub(l.fetched)
	ahead := min(max(life/10, leastAhead), life/2)
	return !now.Before(l.expires.Add(-ahead))
}

// serves reports whether a renewal may return this value: it is not due, or, if
// WeChat refused a value, it is a different one.
func (l accountToken) serves(now time.Time, refused Secret) bool {
	if refused.IsZero() {
		return l.good(now) && !l.due(now)
	}
	return l.good(now) && l.value != refused
}

// mayForce reports whether the gateway may make WeChat issue another value,
// after WeChat refused this one. It never does so twice for the same value, and
// it keeps growing pauses (30 seconds, then 2, 8, 32 and each 128 minutes), so
// that a token that is always refused does not use up the 20 times a day.
func (l accountToken) mayForce(now time.Time) bool {
	wait := forceEvery << (2 * min(max(l.forces-1, 0), 4))
	return !l.stuck && (l.forced.IsZero() || now.Sub(l.forced) >= wait)
}

// tried notes a request for another value.
func (l *accountToken) tried(now time.Time) {
	if now.Sub(l.forced) >= 24*time.Hour {
		l.forces = 0
	}
	l.forced = now
	l.forces = min(l.forces+1, 5)
}

// record is an accountToken as a TokenStore keeps it. Times are milliseconds
// since 1970.
type record struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Fetched int64  `json:"fetched"`
	Expires int64  `json:"expires"`
	Forced  int64  `json:"forced,omitempty"`
	Forces  int    `json:"forces,omitempty"`
	Stuck   bool   `json:"stuck,omitempty"`
}

// record encodes the token for a store.
func (l accountToken) record(key string) Secret {
	r := record{Key: key, Value: l.value.Reveal(), Fetched: l.fetched.UnixMilli(), Expires: l.expires.UnixMilli(), Stuck: l.stuck}
	if !l.forced.IsZero() {
		r.Forced, r.Forces = l.forced.UnixMilli(), l.forces
	}
	text, err := json.Marshal(r)
	if err != nil {
		return Secret{} // impossible: strings and numbers always encode
	}
	return NewSecret(string(text))
}

// parseAccountToken decodes a record of a store. It returns false if the record
// belongs to another key or has impossible values.
func parseAccountToken(text Secret, key string, now time.Time) (accountToken, bool) {
	var r record
	if len(text.Reveal()) > maxRecord || json.Unmarshal([]byte(text.Reveal()), &r) != nil {
		return accountToken{}, false
	}
	l := accountToken{value: NewSecret(r.Value), fetched: time.UnixMilli(r.Fetched), expires: time.UnixMilli(r.Expires), stuck: r.Stuck}
	if r.Forced != 0 {
		l.forced, l.forces = time.UnixMilli(r.Forced), max(r.Forces, 1)
	}
	life := l.expires.Sub(l.fetched)
	ok := r.Key == key && // a record moved to another account's key
		sendable(r.Value, maxToken) &&
		life > 0 && life <= maxExpiresIn && // a value that never expires
		l.fetched.Before(now.Add(maxSkew)) && l.forced.Before(now.Add(maxSkew))
	if !ok {
		return accountToken{}, false
	}
	return l, true
}
