package boltledger

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	for range 3 * cacheShards * cachePerShard {
		id := ledger.NewID()
		_, epoch, _ := c.get(id)
		c.add(id, ledger.Person{ID: id}, epoch)
		if p, _, ok := c.get(id); !ok || p.ID != id {
			t.Fatal("just added, and gone")
		}
	}
	total := 0
	for i := range c.shards {
		n := len(c.shards[i].persons)
		if total += n; n > cachePerShard {
			t.Errorf("shard %d holds %d", i, n)
		}
	}
	if total < cacheShards*cachePerShard*9/10 {
		t.Errorf("only %d entries: the shards are uneven", total)
	}
}

// TestCacheRefusesStale: what was read before a change must not be kept after
// it.
func TestCacheRefusesStale(t *testing.T) {
	t.Parallel()
	var c cache
	p := ledger.Person{ID: ledger.NewID(), Merged: []string{ledger.NewID()}}
	for _, id := range []string{p.ID, p.Merged[0]} {
		_, epoch, _ := c.get(id)
		c.drop(&p) // another request commits a change meanwhile
		c.add(id, p, epoch)
		if _, _, ok := c.get(id); ok {
			t.Error("a stale person was kept")
		}
		_, epoch, _ = c.get(id)
		c.add(id, p, epoch)
		if _, _, ok := c.get(id); !ok {
			t.Error("a fresh person was not kept")
		}
	}
	c.drop(&p)
	for _, id := range []string{p.ID, p.Merged[0]} {
		if _, _, ok := c.get(id); ok {
			t.Error("a dropped person is still there")
		}
	}
}

// TestFindIsNeverStale: once See returned, and once Generation has moved, no
// Find gives anything older, however many readers fill the cache at the same
// time.
func TestFindIsNeverStale(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	b.file.db.NoSync = true
	id := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"}).ID
	var (
		wg      sync.WaitGroup
		version atomic.Uint64
		done    atomic.Bool
	)
	for range 4 {
		wg.Go(func() {
			var gen uint64
			for !done.Load() {
				atLeast, g := version.Load(), b.Generation()
				p, err := b.Find(t.Context(), id)
				// What this reader saw before is no bound: a commit can be seen
				// before See returns, and the cache may give the version before
				// it until then.
				if err != nil || p.Version < atLeast {
					t.Errorf("got version %d, %v, want %d at least", p.Version, err, atLeast)
					return
				}
				if g < gen || p.Version < g-1 { // each news here is one version and one generation, from 2 on
					t.Errorf("got version %d at generation %d after %d, want %d at least", p.Version, g, gen, g-1)
					return
				}
				gen = g
			}
		})
	}
	for i := range 150 {
		p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: fmt.Sprint("n", i)}})
		version.Store(p.Version)
	}
	done.Store(true)
	wg.Wait()
}
