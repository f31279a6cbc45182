package heartbeat_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// truth is a number that changes and is announced, and a keeper that remembers
// what it read, as the gateways do with sessions and persons.
type truth struct {
	mu      sync.Mutex
	changes []time.Time // of the number, in order
	read    time.Time   // when the keeper read it; zero: it keeps nothing
}

func (k *truth) Begin()      {}
func (k *truth) Break(error) {}

// Receive drops what is kept.
func (k *truth) Receive(string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read = time.Time{}
}

func (k *truth) change() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes = append(k.changes, time.Now())
}

// use is one request: it believes what is kept if it is covered, and else reads
// again. It returns by how much what it believed was out of date.
func (k *truth) use(c *heartbeat.Connection) (believed bool, old time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.read.IsZero() || !c.Covers(k.read, now, moment) {
		k.read = now
		return false, 0
	}
	for _, at := range k.changes {
		if at.After(k.read) {
			return true, now.Sub(at)
		}
	}
	return true, 0
}

// The proof: whatever the way to Redis does, however changes and requests fall,
// no answer that is believed is out of date by more than the moment. And a
// keeper that hears does believe: it is not always asking.
func TestNoBelievedAnswerIsOlderThanTheMoment(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { proof(t, rand.New(rand.NewPCG(seed, seed))) })
		})
	}
}

func proof(t *testing.T, random *rand.Rand) {
	w, k := new(wire), new(truth)
	c := &heartbeat.Connection{Bus: w}
	c.Listen(news, k)
	c.Start()
	defer c.Close()
	pause := func(atMost time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(atMost)))) }
	var log strings.Builder
	begun, uses, believed := time.Now(), 0, 0
	for time.Since(begun) < time.Minute {
		if random.IntN(150) == 0 {
			fmt.Fprintf(&log, "%s: %s\n", time.Since(begun), disturb(w, k, random))
		}
		if random.IntN(20) == 0 {
			k.change() // and another gateway announces it in the same step, as scripts do
			w.carry(news, "n")
		}
		pause(50 * time.Millisecond)
		trusted, old := k.use(c)
		if uses++; trusted {
			believed++
		}
		if old > moment {
			t.Fatalf("%s after the beginning, an answer is believed that is out of date by %s\n%s", time.Since(begun), old, &log)
		}
	}
	if believed < uses/20 || believed == uses {
		t.Errorf("%d of %d answers were believed\n%s", believed, uses, &log)
	}
}

// disturb is one thing that happens to the way to Redis, and says which.
// Meanwhile the truth changes.
func disturb(w *wire, k *truth, random *rand.Rand) string {
	during := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Duration(random.Int64N(int64(time.Second)))) {
			k.change()
			w.carry(news, "n")
		}
	}
	some := time.Duration(random.Int64N(int64(2 * time.Second)))
	switch random.IntN(6) {
	case 0:
		w.breaks()
		return "broken"
	case 1:
		w.set(func(w *wire) { w.loses = everything })
		during(some)
		w.breaks()
		w.set(func(w *wire) { w.loses = nil })
		return "dead, and noticed later"
	case 2: // longer than a silence, and nobody says so
		w.set(func(w *wire) { w.loses = everything })
		during(moment + heartbeat.DefaultEvery + some)
		w.set(func(w *wire) { w.loses = nil })
		return "swallowed"
	case 3:
		w.set(func(w *wire) { w.stalls = true })
		during(some)
		w.set(func(w *wire) { w.stalls = false })
		return "stood still"
	case 4:
		w.set(func(w *wire) { w.late, w.slow = some/20, some/10 })
		return "slower or faster"
	default:
		w.set(func(w *wire) { w.refuses = true })
		w.breaks()
		during(some)
		w.set(func(w *wire) { w.refuses = false })
		return "refused"
	}
}
