package site

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// maxCached bounds the prepared identities of one site. An entry is about 1 KB.
const maxCached = 16384

// identityCache remembers, for cookie values that were verified, the identity
// prepared from them. It saves work, not checks: an entry is used only while
// the session is neither expired nor ended and the ledger has not changed.
type identityCache struct {
	mu       sync.RWMutex
	entries  map[cacheKey]cached
	sweeping atomic.Bool // see sweepLater
}

// cacheKey contains the origin, because one Site may serve several host names,
// and a session belongs to one of them.
type cacheKey struct{ origin, value string }

// cacheKey keeps tokens and cookies apart: one is not valid as the other. No
// cookie value contains a dot.
func (r *Request) cacheKey(value string) cacheKey {
	if r.Token.Sent {
		value = "." + value
	}
	return cacheKey{r.Origin, value}
}

type cached struct {
	identity   *Identity
	generation uint64 // of the ledger, when the identity was prepared
	withdrawn  uint64 // count of withdrawn keys before the value was opened
	prepared   time.Time
}

// errKeyWithdrawn reports that a key was withdrawn during a request.
var errKeyWithdrawn = outage.NotDown(fmt.Errorf("%w: a session key was withdrawn during the request", session.ErrUnavailable))

// CheckKeysUnchanged fails if a key was withdrawn since the request was read.
// The request's session may be sealed by that key, and must not get a value of
// another key (attack: continuous renewals, so that one of them hits the moment
// in which a leaked key is withdrawn). The next request is checked again.
func (site *Site) CheckKeysUnchanged(r *Request) error {
	return site.keysUnchangedSince(r.keyWithdrawals)
}

func (site *Site) keysUnchangedSince(withdrawn uint64) error {
	if site.Hub.Keys.Withdrawn() != withdrawn {
		return errKeyWithdrawn
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
	// The cache is full: drop an arbitrary eighth. Map order is random enough,
	// and rebuilding a dropped entry costs a few microseconds.
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

// Forget drops the cached identity of the request's cookie. Its session has
// changed, but a store may keep the same value; a stale entry would cause
// repeated renewals or hide a decline.
func (site *Site) Forget(r *Request) { site.cache.drop(r.cacheKey(r.SessionValue)) }

// CheckEnded returns an error if a session was ended before its time: ErrEnded
// if the session, its line, or all sessions of its person were ended (attack:
// CVE-2024-21492, a copy of the cookie outlives its end), ErrReplaced if a
// newer session replaced it.
func (h *Hub) CheckEnded(s *session.Session) error {
	if h.Unfinished.HasLine(s.LineID()) {
		return session.ErrEnded
	}
	if h.PersonEnded != nil && s.EndedBy(h.PersonEnded(s.Person)) {
		return session.ErrEnded
	}
	err := s.Over(h.Ended)
	if errors.Is(err, session.ErrReplaced) && !time.Now().Before(h.Policy.Expires(s)) {
		return session.ErrExpired // the requests that it let in end, too
	}
	return err
}

// NoSession reports whether an error says for certain that there is no such
// session.
func NoSession(err error) bool {
	return errors.Is(err, session.ErrNone) || errors.Is(err, ledger.ErrNotFound)
}

// identityOf turns a cookie value into an identity.
func (site *Site) identityOf(r *Request, value string, now time.Time) (*Identity, error) {
	id, err := site.cachedIdentity(r, value, now)
	if err == nil && !id.staleAt.IsZero() && now.After(id.staleAt) {
		site.Hub.QueueProfileRefresh(id.Person, id.Session.AppID)
	}
	return id, err
}

func (site *Site) cachedIdentity(r *Request, value string, now time.Time) (*Identity, error) {
	generation, withdrawn := site.Hub.Ledger.Generation(), site.Hub.Keys.Withdrawn()
	key := r.cacheKey(value)
	hit, known := site.cache.get(key)
	if known {
		if err := site.Hub.CheckEnded(&hit.identity.Session); err != nil {
			site.cache.drop(key)
			return nil, err
		}
	}
	if known && !site.Hub.StoreHasCache {
		// Attack: a cookie sealed by a leaked key still works from memory after
		// the key is withdrawn.
		if hit.generation == generation && hit.withdrawn == withdrawn && now.Before(hit.identity.Expires) {
			return hit.identity, nil
		}
		// The entry is not final: another gateway may have renewed the session.
		site.cache.drop(key)
	}
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	s, err := site.loadSession(ctx, r, value, hit.identity)
	if err != nil {
		return nil, fmt.Errorf("site: load session: %w", err)
	}
	site.Log().WorkedUnlessFailing(site.Hub.Store, outage.Sessions)
	// An end of all sessions of a person may be known here but not to the
	// store.
	if err := site.Hub.CheckEnded(s); err != nil {
		return nil, err
	}
	if known && hit.generation == generation && hit.identity.Session.Same(s) {
		return hit.identity, nil // the store still has this session, and the person is unchanged
	}
	var person ledger.Person
	if !s.Guest {
		if person, err = site.personOf(r, s); err != nil {
			return nil, err
		}
	}
	id := site.newIdentity(s, person)
	site.prepareAssertion(r, id)
	site.cache.put(key, cached{id, generation, withdrawn, now})
	site.sweepLater()
	return id, nil
}

// personOf returns the person of a session, who must still hold the session's
// openid. A session whose person was erased is no session.
func (site *Site) personOf(r *Request, s *session.Session) (ledger.Person, error) {
	// The ledger gets its own timeout: a store that used up its own before it
	// answered from memory must not keep the ledger from doing so, too.
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	person, err := site.Hub.Ledger.Find(ctx, s.Person)
	if err != nil {
		return ledger.Person{}, fmt.Errorf("site: find person: %w", err)
	}
	site.Log().WorkedUnlessFailing(site.Hub.Ledger, outage.Ledger)
	// The openid now belongs to another person, or consent to all data was
	// withdrawn. The session is no longer valid, and its holder must not act as
	// that person.
	if !person.Holds(s.AppID, s.OpenID) {
		return ledger.Person{}, fmt.Errorf("site: the openid no longer belongs to this person: %w", session.ErrEnded)
	}
	return person, nil
}
