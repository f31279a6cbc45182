package tokenstoretest

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Suite describes the store to test.
type Suite struct {
	// New returns two instances over the same empty storage; they may be the
	// same instance. t.Cleanup must stop what they start.
	New func(t *testing.T) (one, other wechat.TokenStore)

	// Wait lets time pass. Nil means time.Sleep, for a synctest bubble.
	Wait func(time.Duration)
}

// Run runs the tests.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	if s.Wait == nil {
		s.Wait = time.Sleep
	}
	for name, check := range map[string]func(*testing.T, Suite){
		"records": records, "expiry": expiry, "locks": locks, "lock expiry": lockExpiry, "crowd": crowd,
	} {
		t.Log(name)
		check(t, s)
	}
}

const (
	key   = "wx1234567890abcdef/token"
	other = "wx1234567890abcdef/ticket"
)

func load(t *testing.T, store wechat.TokenStore, key, want string) {
	t.Helper()
	got, err := store.Load(t.Context(), key)
	if err != nil || got.Reveal() != want {
		t.Errorf("loaded %q, %v; want %q", got.Reveal(), err, want)
	}
}

func save(t *testing.T, store wechat.TokenStore, key, record string, life time.Duration) {
	t.Helper()
	if err := store.Save(t.Context(), key, wechat.NewSecret(record), time.Now().Add(life)); err != nil {
		t.Errorf("save: %v", err)
	}
}

func records(t *testing.T, s Suite) {
	one, two := s.New(t)
	load(t, one, key, "")
	large := `{"value":"` + strings.Repeat("x", 4000) + `","日":"\u0000"}`
	save(t, one, key, large, time.Hour)
	load(t, two, key, large)
	load(t, two, other, "")
	save(t, two, key, "second", time.Hour)
	save(t, two, other, "third", time.Hour)
	load(t, one, key, "second")
	load(t, one, other, "third")
}

func expiry(t *testing.T, s Suite) {
	one, two := s.New(t)
	save(t, one, key, "short", 2*time.Second)
	save(t, one, other, "long", time.Hour)
	load(t, two, key, "short")
	s.Wait(2100 * time.Millisecond)
	load(t, one, key, "")
	load(t, two, key, "")
	load(t, two, other, "long")
	save(t, two, key, "again", time.Hour)
	load(t, one, key, "again")
}

// lock takes the lock, or expects that it cannot be taken.
func lock(t *testing.T, store wechat.TokenStore, key string, ttl time.Duration, want bool) func() {
	t.Helper()
	unlock, ok, err := store.Lock(t.Context(), key, ttl)
	if err != nil || ok != want {
		t.Fatalf("lock: %t, %v; want %t", ok, err, want)
	}
	return unlock
}

func locks(t *testing.T, s Suite) {
	one, two := s.New(t)
	unlock := lock(t, one, key, time.Minute, true)
	lock(t, one, key, time.Minute, false)
	lock(t, two, key, time.Minute, false)
	lock(t, two, other, time.Minute, true)()
	save(t, two, key, "no lock is needed", time.Hour)
	load(t, one, key, "no lock is needed")
	unlock()
	again := lock(t, two, key, time.Minute, true)
	unlock() // a second time: another owner has the lock by now
	lock(t, one, key, time.Minute, false)
	again()
	lock(t, one, key, time.Minute, true)()
}

func lockExpiry(t *testing.T, s Suite) {
	one, two := s.New(t)
	late := lock(t, one, key, 2*time.Second, true)
	s.Wait(2100 * time.Millisecond)
	unlock := lock(t, two, key, time.Minute, true)
	late() // the previous owner must not release the new owner's lock
	lock(t, one, key, time.Minute, false)
	unlock()
}

func crowd(t *testing.T, s Suite) {
	one, two := s.New(t)
	var owners atomic.Int32
	var group sync.WaitGroup
	for i := range 40 {
		store := one
		if i%2 == 1 {
			store = two
		}
		group.Go(func() {
			if _, ok, err := store.Lock(t.Context(), key, time.Minute); err != nil {
				t.Errorf("lock: %v", err)
			} else if ok {
				owners.Add(1)
			}
		})
	}
	group.Wait()
	if owners.Load() != 1 {
		t.Errorf("%d owners of one lock", owners.Load())
	}
}
