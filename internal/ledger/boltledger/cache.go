package boltledger

import (
	"sync"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	cacheShards    = 64
	cachePerShard  = 160 // about 10,000 persons in all, some 5 MB
	shardIndexBits = cacheShards - 1
)

// cache keeps persons by id (and by merged id) for Find. The file stays the
// truth: losing an entry costs one read.
type cache struct {
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	persons map[string]ledger.Person
	epoch   uint64 // grows with each drop, see add
}

// shard picks a shard by two characters of an id, which are random. id is
// valid.
func (c *cache) shard(id string) *cacheShard {
	return &c.shards[(uint(id[0])+31*uint(id[1]))&shardIndexBits]
}

// get returns the person, and the epoch to pass to add if it is not there.
func (c *cache) get(id string) (p ledger.Person, epoch uint64, ok bool) {
	s := c.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok = s.persons[id]
	return p, s.epoch, ok
}

// add keeps a person that was read from the store after get returned the epoch.
// If an entry of the shard was dropped in between, the person may be older than
// that drop and is not kept: a stale record would stay until the next change.
func (c *cache) add(id string, p ledger.Person, epoch uint64) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return
	}
	// Between a commit and its drop one reader may have found the new record
	// and a slower one the old record: keep the new one.
	if s.persons[id].Version > p.Version {
		return
	}
	if s.persons == nil {
		s.persons = make(map[string]ledger.Person)
	}
	if len(s.persons) >= cachePerShard {
		for old := range s.persons { // any entry: map order is random enough
			delete(s.persons, old)
			break
		}
	}
	s.persons[id] = p
}

// drop drops a person under every id that leads to it.
func (c *cache) drop(p *ledger.Person) {
	c.dropID(p.ID)
	for _, id := range p.Merged {
		c.dropID(id)
	}
}

func (c *cache) dropID(id string) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	delete(s.persons, id)
}
