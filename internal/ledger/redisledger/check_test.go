package redisledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// Check reports every contradiction in the store: records that do not decode,
// names that lead nowhere or to another person, and names without an index.
func (l *Ledger) Check() error {
	ctx := context.Background()
	all := func(t ledger.Table) map[string]string {
		m, err := l.Client.HGetAll(ctx, l.key(tableKeys[t-1])).Result()
		if err != nil {
			panic(err)
		}
		return m
	}
	errs := []error{checkOutbox(l)}
	names := ledgertest.NameIndex{}
	for id, value := range all(ledger.TablePerson) {
		s, err := unstamp(id, value, func(*ledger.Person) bool { return true })
		if err != nil {
			return fmt.Errorf("person %s: %w", id, err)
		}
		errs = append(errs, names.Expect(s.person))
	}
	for _, t := range []ledger.Table{ledger.TableOpenID, ledger.TableUnionID, ledger.TableAlias} {
		for k, v := range all(t) {
			errs = append(errs, names.Found(tableKeys[t-1], k, v))
		}
	}
	return errors.Join(append(errs, names.Missing(), l.checkLists(all(ledger.TablePerson)))...)
}

// checkLists reports what the indexes of lists have too much or too little.
func (l *Ledger) checkLists(records map[string]string) error {
	var want, got ledgertest.Listings
	for id, value := range records {
		s, err := unstamp(id, value, func(*ledger.Person) bool { return true })
		if err != nil {
			return err
		}
		want.Add(s.person)
	}
	for _, index := range []string{keySeen, keyNickname} {
		entries, err := l.Client.ZRange(context.Background(), l.key(index), 0, -1).Result()
		if err != nil {
			return err
		}
		got = append(got, entries...)
	}
	return want.Differ(got)
}

func miniClient(t testing.TB) redis.UniversalClient {
	m := miniredis.RunT(t)
	keepTime(t, m)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { c.Close() })
	return c
}

// keepTime lets keys expire, which miniredis does not do by itself.
func keepTime(t testing.TB, m *miniredis.Miniredis) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.FastForward(20 * time.Millisecond)
			case <-end:
				return
			}
		}
	}()
	t.Cleanup(func() { close(end); <-ended })
}

// testRedis gives a ledger whose channel works. It is patient: the machine may
// be busy.
func testRedis(t testing.TB, c redis.UniversalClient, prefix string, set func(*Options)) *Ledger {
	t.Helper()
	o := Options{Client: c, Prefix: prefix, Timeout: time.Minute}
	if set != nil {
		set(&o)
	}
	r := New(o)
	r.Start()
	t.Cleanup(func() { r.Close() })
	eventually(t, "the channel works", func() bool { return r.works(time.Now()) })
	return r
}

// unhurried makes the channel one that a busy machine does not take for broken:
// then a ledger reads all ends anew.
func unhurried(o *Options) { o.Stale = 15 * time.Second }

// wantSoon fails if it took longer than a change may take to reach other
// instances. Beside other packages the machine may be busy: with the tag fleet
// it is a second, and ./test/fleet.sh measures it.
func wantSoon(t *testing.T, what string, took, limit time.Duration) {
	t.Helper()
	if !ledgertest.UnderLoad {
		limit = max(limit, 10*time.Second)
	}
	if took > limit {
		t.Errorf("%s took %v, want %v at most", what, took, limit)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
