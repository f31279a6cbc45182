package site

import (
	"errors"
	"time"

	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// Identify reads the session from the first valid one of the request's cookies.
func (site *Site) Identify(r *Request) error {
	if r.Token.Sent {
		return site.IdentifyToken(r) // a token wins over a cookie
	}
	var unavailable error
	var since time.Time // since when the store does not answer
	values, own := r.sessionValues()
	foreign := 0
	for i, value := range values {
		if unavailable != nil && time.Since(since) >= outage.StoreTimeout {
			break // many values must not make one request wait many times
		}
		now := time.Now()
		r.identified = now.UnixNano()
		id, err := site.identityOf(r, value, now)
		switch {
		case err == nil:
			r.SessionValue, r.fromFormerCookie = value, i >= own
			if err := site.admit(r, id); err != nil {
				return err
			}
			r.Prompts = int8(site.promptCount(r))
			return nil
		case !NoSession(err):
			// Only a certain answer means that there is no session (attack: a
			// failing store is read as "not signed in", and all visitors are
			// sent to sign in again).
			if unavailable = err; since.IsZero() {
				since = time.Now()
			}
		case i < own && isForeign(value, err):
			foreign++
		case i < own && !errors.Is(err, session.ErrTampered):
			r.EndedSession = true
		}
	}
	r.UnreadableSession = own > 0 && foreign == own
	return unavailable
}

// isForeign reports whether no key here opens what seems to be a session's
// value.
func isForeign(value string, err error) bool {
	return len(value) >= minSessionValue && errors.Is(err, session.ErrTampered)
}
