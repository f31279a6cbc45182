package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// What the zero values of Redis mean.
const (
	// DefaultPrefix starts every key and the channel's name.
	DefaultPrefix = "wechat:"

	// DefaultTimeout is how long one call to Redis may take.
	DefaultTimeout = time.Second
)

// Redis is a Store in Redis 6.2 or later: standalone, Sentinel or Cluster. The
// cookie carries an id, a secret of this session and a code of the ring; Redis
// holds a record that opens only with that secret and a key of the ring. A dump
// of Redis gives no session, nor does the ring alone; a made-up id costs no
// round trip.
//
// A Redis is safe for concurrent use; its fields must not change while it is
// used. Reads must go to the master: a client that reads from replicas would
// load sessions that have ended.
//
// # Moving from sealed cookies
//
// With Sealed set, Load also accepts the values of that store. For such a
// session Policy.Due is true at once, and Renew (or Save) moves it to Redis and
// returns the new value, so that a caller who renews sessions that are due
// moves each visitor at the next visit. One sealed value always gives the same
// new value, even if several instances meet it at once. Until the move, and
// after it, the sealed value stays valid for its own time, unless the session
// is ended: Redis then remembers the end for the longest lifetime.
type Redis struct {
	// Client is required. It should have ContextTimeoutEnabled: otherwise its
	// own read timeout applies, not ours.
	Client redis.UniversalClient

	// Keys is required.
	Keys *Ring

	// Policy says how long sessions live; records carry its times as their TTL.
	Policy Policy

	// Prefix starts every key, so that several gateways, or other programs, can
	// share one Redis. Empty means DefaultPrefix. See Check.
	Prefix string

	// Sealed, when set, is the store whose values are still accepted.
	Sealed *Sealed

	// Timeout bounds each call. Zero or less means DefaultTimeout.
	Timeout time.Duration
}

var _ Store = (*Redis)(nil)

// idSecret is the part of an id value that opens its record.
type idSecret [16]byte

// errGone (an ErrNone): the record is gone, and Redis does not keep the reason.
var errGone = fmt.Errorf("%w: it has ended or expired", ErrNone)

// write modes, as saveScript reads them.
const (
	modeNew     = "new"     // a sign-in: no record is expected
	modeUpdate  = "update"  // the record must be there: an ended session stays ended
	modeUpgrade = "upgrade" // from a sealed cookie: the first request writes
)

// Save stores the session and returns its id value. See Store. A session that
// was loaded or saved before is stored as it is now and keeps its value. If it,
// or all sessions of its person, were ended meanwhile, Save fails with
// ErrEnded.
func (r *Redis) Save(ctx context.Context, s *Session) (string, error) {
	mode := modeNew
	if s.secret != (idSecret{}) {
		mode = modeUpdate
	}
	next := *s
	if next.secret == (idSecret{}) {
		_, _ = rand.Read(next.secret[:]) // never fails
	}
	return r.keep(ctx, s, &next, mode)
}

// Load returns the session of an id value, or of a sealed value when Sealed is
// set. See Store.
func (r *Redis) Load(ctx context.Context, value string, b Binding) (*Session, error) {
	if !isIDValue(value) {
		if r.Sealed == nil || value == "" {
			return nil, ErrNone
		}
		return r.loadSealed(ctx, value, b)
	}
	if len(r.Keys.all()) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ErrNoKey)
	}
	v, err := parseIDValue(r.Keys, b, value)
	if err != nil {
		return nil, err
	}
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	got, err := r.Client.MGet(ctx, r.sessionKey(v.tag, v.id), r.key("l", v.tag, v.lineRef())).Result()
	if err != nil {
		return nil, unavailable("loading a session", err)
	}
	record, there := got[0].(string)
	if _, over := got[1].(string); !there || record == tombstone || over {
		// Only this answer of Redis means that there is no session.
		return nil, errGone
	}
	record, leaves, err := cutReplaced(record)
	if err != nil {
		return nil, err
	}
	s, err := openRecord(r.Keys, b, v, record)
	if err != nil {
		return nil, err
	}
	s.leaves = leaves
	if err := r.Policy.verify(s, time.Now()); err != nil {
		return nil, err
	}
	return s, nil
}

// Renew writes the session with the time of now, if its record still exists.
// See Store.
func (r *Redis) Renew(ctx context.Context, s *Session) (string, error) {
	now := time.Now()
	if err := r.Policy.verify(s, now); err != nil {
		return "", err
	}
	switch {
	case !s.leaves.IsZero():
		return "", ErrReplaced
	case s.secret == (idSecret{}) && s.origin != movedOther:
		return "", fmt.Errorf("%w: it was never in Redis", ErrEnded)
	}
	next := *s
	// The clock may have gone back a little since the session was made.
	if now = wholeSecond(now); now.After(s.Renewed) {
		next.Renewed = now
	}
	return r.keep(ctx, s, &next, modeUpdate)
}

// keep writes next and then sets s to what was written.
func (r *Redis) keep(ctx context.Context, s, next *Session, mode string) (string, error) {
	b := next.Binding()
	if err := b.check(); err != nil {
		return "", err
	}
	switch next.origin {
	case movedOther:
		return "", unavailable("moving a session to Redis", ErrOtherCookie)
	case fromSealed:
		mode, next.origin = modeUpgrade, movedHere
	}
	record, err := sealRecord(r.Keys, next)
	if errors.Is(err, ErrNoKey) {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return "", err
	}
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	p := newPlace(next)
	if err := r.write(ctx, next, p, record, mode); err != nil {
		return "", err
	}
	s.Renewed, s.secret, s.origin = next.Renewed, next.secret, next.origin
	return next.idValue(p).format(r.Keys, b), nil
}

// write runs the one script that writes sessions.
func (r *Redis) write(ctx context.Context, s *Session, p place, record, mode string) error {
	now, expires := time.Now(), r.Policy.Expires(s)
	index := maxPerPerson
	if s.Guest || s.Person == "" {
		index = 0 // else all guests would share one index, and one slot
	}
	keys := []string{r.key("s", p.tag, p.ref), r.key("p", p.tag, p.person), r.key("e", p.tag, p.person), r.key("l", p.tag, p.line)}
	got, err := saveScript.Run(ctx, r.Client, keys,
		mode, record, max(expires.Sub(now).Milliseconds(), 1), p.tag.String(), p.ref,
		expires.Unix(), s.Created.Unix(), now.Unix(), index, r.key("s", p.tag, ""), r.Channel()).Text()
	switch {
	case err != nil:
		return unavailable("saving a session", err)
	case got == replyDone:
		return nil
	case got == replyEnded:
		return ErrEnded
	case got == replyLineEnded:
		return ErrLineEnded
	}
	// Another request moved this session first. If it had the same cookie, all
	// is well.
	if _, err := openRecord(r.Keys, s.Binding(), s.idValue(p), got); err != nil {
		return unavailable("moving a session to Redis", ErrOtherCookie)
	}
	return r.write(ctx, s, p, record, modeUpdate)
}

func (r *Redis) timeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Timeout <= 0 {
		return context.WithTimeout(ctx, DefaultTimeout)
	}
	return context.WithTimeout(ctx, r.Timeout)
}

// memory is how long, in milliseconds, an end must be remembered: as long as a
// sealed cookie can live.
func (r *Redis) memory() int64 { return (r.Policy.lifetime() + MaxSkew).Milliseconds() }

// unavailable wraps an error of Redis, or of the connection to it. Every error
// but "no such key" comes here, a caller's cancelled context too (attack:
// oauth2-proxy#1784: a visitor who left was logged out).
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}
