package session

import "time"

// What a zero Policy means, and the limits that no Policy changes.
const (
	// DefaultIdle is how long a session lives without a visit.
	DefaultIdle = 7 * 24 * time.Hour

	// DefaultLifetime is how long a session lives at most.
	DefaultLifetime = 30 * 24 * time.Hour

	// GuestLifetime is how long the session of a guest lives, however often it
	// is used.
	GuestLifetime = 10 * time.Minute

	// MaxSkew is how far the clocks of two gateways may differ: a session from
	// further in the future is refused.
	MaxSkew = 5 * time.Minute

	// maxRenewal is the longest time between two renewals of a visited session.
	maxRenewal = 24 * time.Hour
)

// Policy says how long sessions live. The zero value means the defaults.
type Policy struct {
	// Idle is the time after the last renewal at which a session expires. Zero
	// or less means DefaultIdle.
	Idle time.Duration

	// Lifetime is the time after the sign-in at which a session expires,
	// however often it is visited. Zero or less means DefaultLifetime.
	Lifetime time.Duration
}

// Expires returns the moment at which the session expires: after Idle without
// renewal, after Lifetime in any case, after GuestLifetime for a guest, after
// Linger if it was replaced.
func (p Policy) Expires(s *Session) time.Time {
	expires := p.expires(s)
	if !s.leaves.IsZero() && s.leaves.Before(expires) {
		return s.leaves
	}
	return expires
}

// expires is Expires of a session that is not replaced.
func (p Policy) expires(s *Session) time.Time {
	idle, end := s.Renewed.Add(p.idle()), p.end(s)
	if s.Guest || end.Before(idle) {
		return end
	}
	return idle
}

// Due reports whether a visited session is to be renewed now: once an eighth of
// Idle, but at most a day, has passed since the last renewal, so that few
// responses carry a Set-Cookie. It is false for a guest, for an expired or
// replaced session, and when renewing would not move the expiry. A session that
// Redis loaded from a sealed cookie is due at once: its renewal moves it to
// Redis.
func (p Policy) Due(s *Session, now time.Time) bool {
	if !s.leaves.IsZero() {
		return false
	}
	if s.origin == fromSealed && !s.Guest {
		return now.Before(p.Expires(s))
	}
	if s.Guest || now.Sub(s.Renewed) < min(p.idle()/8, maxRenewal) {
		return false
	}
	expires := p.Expires(s)
	return now.Before(expires) && expires.Before(p.end(s))
}

// end is the expiry that no renewal moves.
func (p Policy) end(s *Session) time.Time {
	lifetime := p.lifetime()
	if s.Guest {
		lifetime = min(lifetime, GuestLifetime)
	}
	return s.Created.Add(lifetime)
}

// verify checks that a session is alive now. It refuses a session from the
// future, which would outlive its policy.
func (p Policy) verify(s *Session, now time.Time) error {
	if latest := now.Add(MaxSkew); s.Created.After(latest) || s.Renewed.After(latest) {
		return errFuture
	}
	switch {
	case !now.Before(p.expires(s)):
		return ErrExpired
	case !s.leaves.IsZero() && !now.Before(s.leaves):
		return ErrReplaced
	default:
		return nil
	}
}

func (p Policy) idle() time.Duration {
	if p.Idle <= 0 {
		return DefaultIdle
	}
	return p.Idle
}

func (p Policy) lifetime() time.Duration {
	if p.Lifetime <= 0 {
		return DefaultLifetime
	}
	return p.Lifetime
}
