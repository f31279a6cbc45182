package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sealed is a Store without storage: the value is the session itself, encrypted
// and authenticated. Keys is required. Without Tombstones no session can be
// ended, and End fails. If they are PersonTombstones, all sessions of a person
// can be ended there at once.
type Sealed struct {
	Keys       *Ring
	Policy     Policy
	Tombstones Tombstones
}

var _ Store = Sealed{}

// Save seals the session. See Store.
func (st Sealed) Save(_ context.Context, s *Session) (string, error) {
	b := s.Binding()
	if err := b.check(); err != nil {
		return "", err
	}
	plain, err := s.MarshalBinary()
	if err != nil {
		return "", err
	}
	if st.Tombstones != nil && s.Line != (ID{}) && st.Tombstones.Ended(s.Line) {
		return "", ErrLineEnded
	}
	value, err := st.Keys.Seal(PurposeSession, b.bound(), plain)
	if errors.Is(err, ErrNoKey) {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return value, err
}

// Load opens a sealed session. See Store. It does no I/O and ignores the
// context.
func (st Sealed) Load(_ context.Context, value string, b Binding) (*Session, error) {
	if value == "" {
		return nil, ErrNone
	}
	plain, err := st.Keys.Open(PurposeSession, b.bound(), value)
	if errors.Is(err, ErrNoKey) {
		// A missing key is our fault, not the visitor's: it must not mean "not
		// signed in".
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return nil, err
	}
	s := &Session{Site: b.Site, AppID: b.AppID}
	if err := s.UnmarshalBinary(plain); err != nil {
		return nil, err
	}
	if !s.Audience.admits(b.Audience) {
		return nil, errAudience
	}
	if err := st.verify(s, time.Now()); err != nil {
		return nil, err
	}
	s.leaves = st.leaves(s)
	return s, nil
}

// leaves returns when a replaced session ceases to be accepted.
func (st Sealed) leaves(s *Session) time.Time {
	if t, ok := st.Tombstones.(DelayedTombstones); ok {
		return t.EndsAt(s.ReplacedMark())
	}
	return time.Time{}
}

// Opens reports whether the value is a session. Like Load, it does no I/O.
func (st Sealed) Opens(value string, b Binding) bool {
	_, err := st.Load(context.Background(), value, b)
	return err == nil
}

// Withdrawn is [Ring.Withdrawn] of the keys.
func (st Sealed) Withdrawn() uint64 { return st.Keys.Withdrawn() }

// Renew seals the session again with the time of now. See Store.
func (st Sealed) Renew(ctx context.Context, s *Session) (string, error) {
	now := time.Now()
	// A tab that was still open during the logout must not bring the session
	// back.
	if err := st.verify(s, now); err != nil {
		return "", err
	}
	if !st.leaves(s).IsZero() {
		return "", ErrReplaced
	}
	renewed := *s
	// The clock may have gone back a little since the session was made.
	if now = wholeSecond(now); now.After(s.Renewed) {
		renewed.Renewed = now
	}
	value, err := st.Save(ctx, &renewed)
	if err != nil {
		return "", err
	}
	s.Renewed = renewed.Renewed
	return value, nil
}

// End remembers the session's line as ended for as long as any value of it
// could live. See Store.
func (st Sealed) End(ctx context.Context, s *Session) error {
	now := time.Now()
	// Not Expires: another copy of the cookie may have been renewed later.
	if !now.Before(st.Policy.end(s).Add(MaxSkew)) {
		return nil
	}
	if st.Tombstones == nil {
		return fmt.Errorf("%w: sealed sessions cannot be ended without tombstones", ErrUnavailable)
	}
	// A later session of the line began now at the latest.
	until := now.Add(st.Policy.lifetime() + MaxSkew)
	if err := st.Tombstones.EndSession(ctx, s.LineID(), until); err != nil {
		return fmt.Errorf("%w: ending a session: %w", ErrUnavailable, err)
	}
	return nil
}

// Replace remembers the session as replaced for as long as any value of it
// could live. Tombstones that support no delay end it at once. See Store.
func (st Sealed) Replace(ctx context.Context, s *Session) error {
	now, until := time.Now(), st.Policy.end(s).Add(MaxSkew)
	if !now.Before(until) {
		return nil
	}
	if st.Tombstones == nil {
		return fmt.Errorf("%w: sealed sessions cannot be replaced without tombstones", ErrUnavailable)
	}
	var err error
	if delayed, ok := st.Tombstones.(DelayedTombstones); ok {
		err = delayed.EndSessionAt(ctx, s.ReplacedMark(), now.Add(Linger), until)
	} else {
		err = st.Tombstones.EndSession(ctx, s.ReplacedMark(), until)
	}
	if err != nil {
		return fmt.Errorf("%w: replacing a session: %w", ErrUnavailable, err)
	}
	return nil
}

// verify checks that an authentic session is alive.
func (st Sealed) verify(s *Session, now time.Time) error {
	if err := st.Policy.verify(s, now); err != nil {
		return err
	}
	if st.Tombstones == nil {
		return nil
	}
	if t, ok := st.Tombstones.(PersonTombstones); ok && s.EndedBy(t.PersonEnded(s.Person)) {
		return ErrEnded
	}
	return s.Over(st.Tombstones.Ended)
}
