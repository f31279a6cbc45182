package wechat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// How often WeChat is asked in an hour in which somebody asks us each second,
// and what we say meanwhile.
func TestWeChatIsLeftAloneAfterErrors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		code        int
		want        error
		least, most int
	}{
		{-1, ErrRetry, 1000, 3 * 3600 / 2},
		{45011, ErrRetry, 50, 61},
		{40001, ErrAlert, 50, 61},
		{40125, ErrAlert, 50, 61},
		{40164, ErrAlert, 50, 61},
		{40243, ErrAlert, 50, 61},
		{45009, ErrStop, 1, 1},
		{89501, ErrBackoff, 6, 7},
		{89503, ErrBackoff, 6, 7},
		{89507, ErrBackoff, 1, 1},
		{89506, ErrBackoff, 1, 1},
		{99999, ErrAlert, 50, 61},
	}
	for _, tc := range cases {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeAccount{says: fmt.Sprintf(`{"errcode":%d,"errmsg":"invalid ip 10.0.0.7, %s"}`, tc.code, testSecret.Reveal())}
			var log bytes.Buffer
			g := f.instance(t, nil, &log)
			for range 3599 {
				if token, err := g.Get(t.Context()); !errors.Is(err, tc.want) || !token.IsZero() {
					t.Fatalf("%d: %v", tc.code, err)
				}
				time.Sleep(time.Second)
			}
			asks, forces := f.counts()
			if asks < tc.least || asks > tc.most || forces != 0 {
				t.Errorf("%d: asked %d times, want %d to %d", tc.code, asks, tc.least, tc.most)
			}
			if lines := strings.Count(log.String(), "\n"); lines > asks || lines == 0 || strings.Contains(log.String(), testSecret.Reveal()[:8]) {
				t.Errorf("%d: %d lines for %d questions, or a secret:\n%.500s", tc.code, lines, asks, log.String())
			}
			if says := strings.Contains(log.String(), "allow_address=10.0.0.7"); says != (tc.code == 40164 || tc.code > 89500 && tc.code < 89600) {
				t.Errorf("%d: the log names the address: %t", tc.code, says)
			}
			if fix := advice.FixOfCode(tc.code); fix == "" || !strings.Contains(log.String(), "fix="+strconv.Quote(fix)) {
				t.Errorf("%d: the log does not say %q:\n%.500s", tc.code, fix, log.String())
			}
			f.set(func() { f.says = "" })
			time.Sleep(24 * time.Hour)
			if _, err := g.Get(t.Context()); err != nil {
				t.Errorf("%d: mended, but %v", tc.code, err)
			}
		})
	}
}

func TestBusyWeChatIsAskedAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{says: `{"errcode":-1,"errmsg":"system error"}`}
		g := f.instance(t, nil, nil)
		time.AfterFunc(500*time.Millisecond, func() { f.set(func() { f.says = "" }) })
		if token, err := g.Get(t.Context()); err != nil || !f.isValid(token) {
			t.Errorf("%v", err)
		}
		if asks, _ := f.counts(); asks != 3 {
			t.Errorf("asked %d times", asks)
		}
	})
}

// While WeChat does not answer, the token that is left serves to its last
// second.
func TestOldTokenServesWhileWeChatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{}
		g := f.instance(t, nil, nil)
		if _, err := g.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.set(func() { f.says = `<html>busy` })
		start := time.Now()
		for time.Since(start) < 2*time.Hour {
			before := time.Now()
			if token, err := g.Get(t.Context()); err != nil || !f.isValid(token) || time.Since(before) != 0 {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			time.Sleep(time.Second)
		}
		if _, err := g.Get(t.Context()); !errors.Is(err, ErrUncertain) {
			t.Errorf("at its end: %v", err)
		}
		time.Sleep(time.Minute)
	})
}

// brokenStore fails while it is broken.
type brokenStore struct {
	MemoryTokens
	load, save, lock atomic.Bool
}

var errBroken = errors.New("the store is away")

func (b *brokenStore) Load(ctx context.Context, key string) (Secret, error) {
	if b.load.Load() {
		return Secret{}, errBroken
	}
	return b.MemoryTokens.Load(ctx, key)
}

func (b *brokenStore) Save(ctx context.Context, key string, record Secret, expires time.Time) error {
	if b.save.Load() {
		return errBroken
	}
	return b.MemoryTokens.Save(ctx, key, record, expires)
}

func (b *brokenStore) Lock(ctx context.Context, key string, ttl time.Duration) (func(), bool, error) {
	if b.lock.Load() {
		return nil, false, errBroken
	}
	return b.MemoryTokens.Lock(ctx, key, ttl)
}

// Without the store everybody asks, which is harmless, and nobody forces, which
// would make the instances kill each other's tokens in turn.
func TestStoreOutage(t *testing.T) {
	t.Parallel()
	breaks := map[string]func(*brokenStore){
		"all":  func(b *brokenStore) { b.load.Store(true); b.save.Store(true); b.lock.Store(true) },
		"save": func(b *brokenStore) { b.save.Store(true) },
		"lock": func(b *brokenStore) { b.lock.Store(true) },
	}
	for name, broken := range breaks {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeAccount{slow: 10 * time.Millisecond}
			store := new(brokenStore)
			broken(store)
			all := f.instances(t, 3, store)
			for range 10 {
				crowd(all, 10, func(g *GlobalToken) {
					if token, err := g.Get(t.Context()); err != nil || !f.isValid(token) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			if asks, _ := f.counts(); asks != 3 {
				t.Errorf("%s: asked %d times by three", name, asks)
			}
			f.set(func() { f.refuse = func(string) bool { return true } })
			crowd(all, 10, func(g *GlobalToken) {
				if _, err := g.Follower(t.Context(), testOpenID); !errors.Is(err, ErrRenew) {
					t.Errorf("%s: %v", name, err)
				}
			})
			if _, forces := f.counts(); forces != 0 {
				t.Errorf("%s: forced %d times", name, forces)
			}
		})
	}
}

// An instance that dies while it holds the lock holds the others up for no more
// than the lock's time.
func TestDeadLockHolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{}
		store := new(MemoryTokens)
		if _, ok, err := store.Lock(t.Context(), testAppID+"/token", lockTTL); !ok || err != nil {
			t.Fatal(err)
		}
		g := f.instance(t, store, nil)
		start := time.Now()
		_, err := g.Get(t.Context())
		for ; err != nil && time.Since(start) < time.Minute; _, err = g.Get(t.Context()) {
			if !errors.Is(err, ErrUnavailable) {
				t.Fatalf("%v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); err != nil || took > lockTTL+time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// An instance whose address WeChat refuses lives on what the others fetch.
func TestRefusedInstanceUsesTheFleetsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, outside := &fakeAccount{}, &fakeAccount{says: `{"errcode":40164,"errmsg":"invalid ip 10.0.0.7, not in whitelist"}`}
		store := new(MemoryTokens)
		refused := outside.instance(t, store, nil)
		e, ok := errors.AsType[*Error](errFrom(refused.Get(t.Context())))
		if !ok || e.Code != 40164 || e.Address != "10.0.0.7" || !strings.Contains(e.Error(), "add 10.0.0.7 to") {
			t.Errorf("%v", e)
		}
		if _, err := f.instance(t, store, nil).Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if token, err := refused.Get(t.Context()); err != nil || !f.isValid(token) {
			t.Errorf("%v", err)
		}
	})
}

func errFrom(_ Secret, err error) error { return err }

// lateLock lets another instance fetch between the look into the store and the
// lock.
type lateLock struct {
	MemoryTokens
	before func()
}

func (l *lateLock) Lock(ctx context.Context, key string, ttl time.Duration) (func(), bool, error) {
	if before := l.before; before != nil {
		l.before = nil
		before()
	}
	return l.MemoryTokens.Lock(ctx, key, ttl)
}

func TestStoreIsLookedIntoAgainUnderTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, store := &fakeAccount{}, new(lateLock)
		other := f.instance(t, store, nil)
		store.before = func() { _, _ = other.Get(t.Context()) }
		if token, err := f.instance(t, store, nil).Get(t.Context()); err != nil || !f.isValid(token) {
			t.Errorf("%v", err)
		}
		if asks, _ := f.counts(); asks != 1 {
			t.Errorf("asked %d times", asks)
		}
	})
}
