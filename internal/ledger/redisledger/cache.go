package redisledger

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// cacheShards is a power of two.
const cacheShards = 64

// personCache keeps persons by id (and by merged id). Unlike the cache of a
// file store it knows the age of its entries.
type personCache struct {
	shards  [cacheShards]cacheShard
	flights singleflight.Group // one question at a time about one id
	pending pending
}

// pending holds the stamps that this instance is writing, and whether they were
// announced: the announcement may come before the answer.
type pending struct {
	mu    sync.Mutex
	heard map[string]bool
}

func (p *pending) begin(stamp string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil {
		p.heard = make(map[string]bool)
	}
	p.heard[stamp] = false
}

// hear handles an announcement, and reports whether the stamp is being written.
func (p *pending) hear(stamp string) (ours bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ours = p.heard[stamp]; ours {
		p.heard[stamp] = true
	}
	return ours
}

// end reports whether the stamp was announced.
func (p *pending) end(stamp string) (heard bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard = p.heard[stamp]
	delete(p.heard, stamp)
	return heard
}

type cacheShard struct {
	mu      sync.RWMutex
	entries map[string]cacheEntry
	epoch   uint64 // grows with each drop, see add
}

type cacheEntry struct {
	person ledger.Person
	stamp  string
	read   time.Time // when Redis was asked: the entry is at least as new as that
	ours   bool      // this instance wrote it and needs no announcement of it
}

// shard picks a shard by two characters of an id, which are random. id is
// valid.
func (n *personCache) shard(id string) *cacheShard {
	return &n.shards[(uint(id[0])+31*uint(id[1]))&(cacheShards-1)]
}

func (n *personCache) get(id string) (cacheEntry, bool) {
	s := n.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.entries[id]
	return e, ok
}

// epoch returns the value to pass to add. Call it before Redis is asked.
func (n *personCache) epoch(id string) uint64 {
	s := n.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.epoch
}

// add keeps a person that was read, unless an entry of the shard was dropped
// meanwhile, or a later answer is there.
func (n *personCache) add(id string, e cacheEntry, epoch uint64, limit int) {
	s := n.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch == epoch && !s.entries[id].read.After(e.read) {
		s.put(id, e, limit)
	}
}

func (s *cacheShard) put(id string, e cacheEntry, limit int) {
	if s.entries == nil {
		s.entries = make(map[string]cacheEntry)
	}
	if _, known := s.entries[id]; !known && len(s.entries) >= limit {
		for old := range s.entries { // any entry: map order is random enough
			delete(s.entries, old)
			break
		}
	}
	s.entries[id] = e
}

// drop drops persons, and makes new callers wait for a new answer, not for one
// that is on its way already.
func (n *personCache) drop(ids ...string) {
	for _, id := range ids {
		s := n.shard(id)
		s.mu.Lock()
		s.epoch++
		delete(s.entries, id)
		s.mu.Unlock()
		n.flights.Forget(id)
	}
}

// cacheMark is taken before a change is written, for settle.
type cacheMark struct {
	epochs [2]uint64
	read   time.Time
}

// leftBehind returns the persons a change leaves behind.
func leftBehind(c *ledger.Change) []*ledger.Person {
	if c.Left == nil {
		return []*ledger.Person{&c.Person}
	}
	return []*ledger.Person{&c.Person, c.Left}
}

func (n *personCache) mark(c *ledger.Change) (m cacheMark) {
	for i, p := range leftBehind(c) {
		m.epochs[i] = n.epoch(p.ID)
	}
	m.read = time.Now()
	return m
}

// settle replaces the entries that a change of ours made old, unless another
// change was announced meanwhile.
func (n *personCache) settle(c *ledger.Change, stamp string, m cacheMark, limit int) {
	for i, p := range leftBehind(c) {
		s := n.shard(p.ID)
		s.mu.Lock()
		if s.epoch == m.epochs[i] {
			s.put(p.ID, cacheEntry{person: p.Clone(), stamp: stamp, read: m.read, ours: true}, limit)
		} else {
			delete(s.entries, p.ID)
		}
		s.epoch++
		s.mu.Unlock()
		n.flights.Forget(p.ID)
		n.drop(p.Merged...)
	}
}

// announced handles an announcement, and reports whether it was news to this
// instance.
func (n *personCache) announced(stamp string, ids []string) bool {
	if n.pending.hear(stamp) {
		return false // carryOut handles it
	}
	if e, ok := n.get(ids[0]); ok && e.ours && e.stamp == stamp {
		return false // our own announcement
	}
	n.drop(ids...)
	return true
}
