package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// CachedStore is a Store that remembers the answers of another Store: a session
// that was just seen costs no round trip, an end reaches every instance within
// a second, and known sessions are accepted while the store is unavailable.
//
// # How old an answer may be
//
// A remembered session is used for Stale without asking. While the channel is
// known to work it is used for Fresh: an end is announced on the channel, and
// the remembered session is dropped at once. The channel is known to work if a
// heartbeat of our own, sent no longer than Stale ago, has come back on an
// unbroken subscription. Messages of one connection arrive in order: if an
// announcement was lost, no later heartbeat arrives, and after Stale the store
// is asked again for every answer older than Stale. So an end is seen within
// Stale, channel or not. (In Redis Cluster an announcement travels from the
// session's node to ours: if only that link is broken, or if only this gateway
// still reaches a former master, the bound is Fresh.)
//
// # When the store is unavailable
//
// Answers of the last StaleIfDown are used; a session that is not remembered
// gives ErrUnavailable. No visitor is treated as signed out.
//
// Values that are not a session are not remembered. The store is asked for one
// value once, however many requests wait for it. A CachedStore is safe for
// concurrent use; its fields must not change while it is used.
type CachedStore struct {
	// Store is required, except on a CachedStore that only provides the memory
	// of others: see WithConfig. A *Redis announces ends and changes by itself;
	// for any other Store, CachedStore announces those that go through it.
	Store Store

	// Policy is the policy of the store: a remembered session expires exactly
	// when it should.
	Policy Policy

	// Bus is the channel. Without a Bus, or before Start, sessions are used for
	// Stale.
	Bus Bus

	// MaxEntries limits the remembered sessions. Zero or less means
	// DefaultCacheEntries.
	MaxEntries int

	// Stale, Fresh and StaleIfDown are explained above. Zero means the default,
	// less than zero means no time at all.
	Stale, Fresh, StaleIfDown time.Duration

	// Logger receives breaks and recoveries of the channel and the store. May
	// be nil.
	Logger *slog.Logger

	// Watch follows what this CachedStore does. The zero value is silent.
	Watch CacheWatch

	own  cacheMemory
	of   *CachedStore // the store whose memory this one shares; nil: it has its own
	view uint32       // its number among those that share the memory
}

// cacheMemory is the memory of one CachedStore, or of several that share it.
type cacheMemory struct {
	cache   entryCache
	channel cacheChannel
	failing atomic.Int64   // when the store last failed, in ns since 1970; 0 if it works
	work    sync.WaitGroup // goroutines of Start
}

var _ Store = (*CachedStore)(nil)

// Load returns a remembered session, or asks the store. See Store. The session
// is a copy: callers may change it.
func (n *CachedStore) Load(ctx context.Context, value string, b Binding) (*Session, error) {
	if value == "" || len(value) > MaxValue {
		return nil, ErrNone
	}
	k := cacheKey{value, b, n.view}
	now := time.Now()
	e := n.known(k)
	// An expired entry does not decide: another instance may have renewed the
	// session.
	if e == nil || n.Policy.verify(&e.session, now) != nil {
		n.loaded(CacheMiss)
		return n.begin(k).result(ctx, nil)
	}
	if e.view == n.view && n.fresh(e, now) {
		n.loaded(CacheHit)
		return e.copy(now), nil
	}
	return n.confirm(ctx, k, e, now)
}

// confirm asks the store about a session that is known but not fresh.
func (n *CachedStore) confirm(ctx context.Context, k cacheKey, e *entry, now time.Time) (*Session, error) {
	usable := now.Sub(e.confirmed) < n.staleIfDown()
	var late <-chan time.Time
	if usable && n.isFailing(now) {
		if now.UnixNano() < e.retry.Load() {
			n.loaded(CacheStale)
			return e.copy(now), nil
		}
		t := time.NewTimer(patience)
		defer t.Stop()
		late = t.C
	}
	s, err := n.begin(k).result(ctx, late)
	if err == nil || !errors.Is(err, ErrUnavailable) || ctx.Err() != nil || !usable {
		n.loaded(CacheMiss)
		return s, err
	}
	// The entry may have been dropped while we waited: an end outranks an
	// outage.
	if e = n.known(k); e == nil {
		n.loaded(CacheMiss)
		return nil, err
	}
	n.loaded(CacheStale)
	now = time.Now()
	e.retry.Store(now.Add(retryLoad).UnixNano())
	return e.copy(now), nil
}

// fresh reports whether an entry may be used without asking the store.
func (n *CachedStore) fresh(e *entry, now time.Time) bool {
	if e.changed.Load() {
		return false
	}
	age := now.Sub(e.confirmed)
	if age < n.stale() {
		return true
	}
	return age < n.freshFor() && n.memory().channel.hears.Load().Covers(e.confirmed, now, n.stale())
}

// Save keeps the session in the store and remembers it. See Store.
func (n *CachedStore) Save(ctx context.Context, s *Session) (string, error) {
	return n.write(ctx, s, CallSave, n.Store.Save)
}

// Renew renews the session in the store and remembers it. See Store.
func (n *CachedStore) Renew(ctx context.Context, s *Session) (string, error) {
	return n.write(ctx, s, CallRenew, n.Store.Renew)
}

func (n *CachedStore) write(ctx context.Context, s *Session, call string, do func(context.Context, *Session) (string, error)) (string, error) {
	ref := refOf(s.ID)
	begun, withdrawn := time.Now(), n.withdrawals()
	w := n.memory().cache.beginWrite(newPlace(s))
	value, err := do(ctx, s)
	n.called(call, begun, err)
	if err != nil {
		n.memory().cache.endWrite(w, cacheKey{}, nil, 0)
		if errors.Is(err, ErrNone) {
			n.memory().cache.dropRef(ref)
		}
		return "", err
	}
	// The store is asked again for other values of the session; this one is
	// known.
	n.memory().cache.change(ref)
	n.memory().cache.endWrite(w, cacheKey{value, s.Binding(), n.view}, newEntry(s, begun, n.view, withdrawn), n.maxEntries())
	n.announce(ctx, "c"+newPlace(s).name())
	return value, nil
}

// End ends the session and its line in the store, and here. See Store.
func (n *CachedStore) End(ctx context.Context, s *Session) error {
	begun := time.Now()
	err := n.Store.End(ctx, s)
	if n.called(CallEnd, begun, err); err != nil {
		return err
	}
	p := newPlace(s)
	n.memory().cache.dropRef(p.ref)
	n.announce(ctx, "e"+p.name())
	if p.line != "" {
		n.memory().cache.dropLine(p.line)
		n.announce(ctx, "l"+p.lineName())
	}
	return nil
}

// Replace marks the session as replaced in the store, which is asked again for
// its values. See Store.
func (n *CachedStore) Replace(ctx context.Context, s *Session) error {
	begun := time.Now()
	err := n.Store.Replace(ctx, s)
	if n.called(CallReplace, begun, err); err != nil {
		return err
	}
	p := newPlace(s)
	n.memory().cache.change(p.ref)
	n.announce(ctx, "c"+p.name())
	return nil
}

// announce announces a change to the other instances, unless the store has done
// so.
func (n *CachedStore) announce(ctx context.Context, message string) {
	if _, itself := n.Store.(*Redis); itself || n.Bus == nil {
		return
	}
	if err := n.Bus.Publish(ctx, message); err != nil {
		n.warn("session change not announced", err) // Stale or Fresh bounds it
	}
}

// Failing reports whether the store failed in the last seconds. Answers of Load
// may then come from memory.
func (n *CachedStore) Failing() bool { return n.isFailing(time.Now()) }

// isFailing reports whether the store failed a moment ago. Other calls that
// have worked since do not matter: half of a cluster can be down.
func (n *CachedStore) isFailing(now time.Time) bool {
	return now.UnixNano()-n.memory().failing.Load() < int64(failingFor)
}

// outcome records how the store answered, and logs when that changes.
func (n *CachedStore) outcome(err error) {
	now := time.Now().UnixNano()
	if errors.Is(err, ErrUnavailable) {
		if now-n.memory().failing.Swap(now) >= int64(failingFor) {
			n.warn("session store unavailable", err)
		}
		return
	}
	at := n.memory().failing.Load()
	if at != 0 && now-at >= int64(failingFor) && n.memory().failing.CompareAndSwap(at, 0) {
		n.info("session store available again")
	}
}
