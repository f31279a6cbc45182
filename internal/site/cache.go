package site

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// maxCached bounds the prepared identities of one site. An entry is about 1 KB.
const maxCached = 16384

// identityCache remembers, for cookie values that were verified, the identity
// prepared from them. It saves work, not checks: an entry is used only while
// the session is neither expired nor ended and the ledger has not moved on.
type identityCache struct {
	mu      sync.RWMutex
	entries map[cacheKey]cached
}

// cacheKey holds the origin beside the cookie: one Site may answer for several
// host names, and a session belongs to one.
type cacheKey struct{ origin, value string }

// cacheKey keeps tokens and cookies apart: one is not good for the other. No value
// has a dot.
func (r *Request) cacheKey(value string) cacheKey {
	if r.Token.Sent {
		value = "." + value
	}
	return cacheKey{r.Origin, value}
}

type cached struct {
	identity   *Identity
	generation uint64 // of the ledger, when the identity was prepared
	withdrawn  uint64 // keys taken away before the value was opened
}

// errWithdrawn says that a key was taken away while a request was under way.
var errWithdrawn = outage.NotDown(fmt.Errorf("%w: a key was taken away meanwhile", session.ErrUnavailable))

// SameKeys fails if a key was taken away since the request was read: its session may
// have been sealed by it, and must not get a value of another key (attack: renewals
// without end, so that one of them meets the moment in which a leaked key goes).
// The next request is asked anew.
func (site *Site) SameKeys(r *Request) error { return site.sameKeysSince(r.withdrawn) }

func (site *Site) sameKeysSince(withdrawn uint64) error {
	if site.Hub.Keys.Withdrawn() != withdrawn {
		return errWithdrawn
	}
	return nil
}

func (c *identityCache) get(key cacheKey) (cached, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	return e, ok
}

func (c *identityCache) put(key cacheKey, e cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[cacheKey]cached)
	}
	// Full: drop an arbitrary eighth. Map order is random enough, and an entry
	// that was dropped costs a few microseconds to make again.
	if len(c.entries) >= maxCached {
		dropped := 0
		for k := range c.entries {
			delete(c.entries, k)
			if dropped++; dropped >= maxCached/8 {
				break
			}
		}
	}
	c.entries[key] = e
}

func (c *identityCache) drop(key cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// Forget drops what was prepared from the request's cookie. The session behind
// it has changed, and a store may keep the value: it would be renewed again and
// again, or a decline not be seen.
func (site *Site) Forget(r *Request) { site.cache.drop(r.cacheKey(r.SessionValue)) }

// Over says whether a session was ended before its time: ErrEnded where it, its
// line, or all of its person's were (attack: CVE-2024-21492, a copy of the cookie
// outlives its end), ErrReplaced where a newer one has taken its place.
func (h *Hub) Over(s *session.Session) error {
	if h.Unfinished.Holds(s.LineID()) {
		return session.ErrEnded
	}
	if h.PersonEnded != nil && s.EndedBy(h.PersonEnded(s.Person)) {
		return session.ErrEnded
	}
	err := s.Over(h.Ended)
	if errors.Is(err, session.ErrReplaced) && !time.Now().Before(h.Policy.Expires(s)) {
		return session.ErrExpired // what it let in ends too
	}
	return err
}

// IsNobody reports whether an error is a clear no: there is no such session.
func IsNobody(err error) bool {
	return errors.Is(err, session.ErrNone) || errors.Is(err, ledger.ErrNotFound)
}

// lookup turns a cookie value into an identity.
func (site *Site) lookup(r *Request, value string) (*Identity, error) {
	id, err := site.find(r, value)
	if err == nil && !id.staleAt.IsZero() && time.Now().After(id.staleAt) {
		site.Hub.Stale(id.Person, id.Session.AppID)
	}
	return id, err
}

func (site *Site) find(r *Request, value string) (*Identity, error) {
	generation, withdrawn := site.Hub.Ledger.Generation(), site.Hub.Keys.Withdrawn()
	key := r.cacheKey(value)
	hit, known := site.cache.get(key)
	if known {
		if err := site.Hub.Over(&hit.identity.Session); err != nil {
			site.cache.drop(key)
			return nil, err
		}
	}
	if known && !site.Hub.AskStore {
		// Attack: a leaked key is taken away, and a cookie that it sealed goes on
		// from memory.
		if hit.generation == generation && hit.withdrawn == withdrawn && time.Now().Before(hit.identity.Expires) {
			return hit.identity, nil
		}
		// Not the last word: another gateway may have renewed the session.
		site.cache.drop(key)
	}
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	s, err := site.load(ctx, r, value, hit.identity)
	if err != nil {
		return nil, fmt.Errorf("site: load session: %w", err)
	}
	site.Log().WorkedUnlessFailing(site.Hub.Store, outage.Sessions)
	// What ends all sessions of a person may be known here and not to the store.
	if err := site.Hub.Over(s); err != nil {
		return nil, err
	}
	if known && hit.generation == generation && hit.identity.Session.Same(s) {
		return hit.identity, nil // the store says so still, and the person is as before
	}
	var person ledger.Person
	if !s.Guest {
		if person, err = site.personOf(r, s); err != nil {
			return nil, err
		}
	}
	id := site.newIdentity(s, person)
	site.cache.put(key, cached{id, generation, withdrawn})
	return id, nil
}

// personOf is the person of a session, who has the session's openid still. A session
// without its person is none: the person was erased.
func (site *Site) personOf(r *Request, s *session.Session) (ledger.Person, error) {
	// A time of its own: a store that took all of its before it gave what it remembers
	// must not keep the ledger from doing the same.
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	person, err := site.Hub.Ledger.Find(ctx, s.Person)
	if err != nil {
		return ledger.Person{}, fmt.Errorf("site: find person: %w", err)
	}
	site.Log().WorkedUnlessFailing(site.Hub.Ledger, outage.Ledger)
	// WeChat gave the openid to somebody else meanwhile, or consent to all of it was
	// withdrawn: what this session says is not true any more, and its holder must not
	// act as the person it was made for.
	if !person.Holds(s.AppID, s.OpenID) {
		return ledger.Person{}, fmt.Errorf("site: the openid is not this person's any more: %w", session.ErrEnded)
	}
	return person, nil
}
