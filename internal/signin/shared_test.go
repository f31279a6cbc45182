package signin

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// fakeShared is a Redis that can be down.
type fakeShared struct {
	mu     sync.Mutex
	claims map[string]time.Time
	values map[string]string
	down   error
}

func (f *fakeShared) Claim(_ context.Context, key string, ttl time.Duration) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return false, f.down
	}
	if until, ok := f.claims[key]; ok && time.Now().Before(until) {
		return false, nil
	}
	f.claims[key] = time.Now().Add(ttl)
	return true, nil
}

func (f *fakeShared) Release(_ context.Context, key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, key)
}

func (f *fakeShared) Put(_ context.Context, key, value string, _ time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down == nil {
		f.values[key] = value
	}
	return f.down
}

func (f *fakeShared) Get(_ context.Context, key string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.values[key], f.down
}

// newPeers returns the Results of two instances.
func newPeers(t *testing.T) (*fakeShared, *Once, *Once) {
	t.Helper()
	ring, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	shared := &fakeShared{claims: map[string]time.Time{}, values: map[string]string{}}
	return shared, &Once{Shared: shared, Keys: ring}, &Once{Shared: shared, Keys: ring}
}

// WeChat's two hits reach two instances: one code is spent, both answer alike.
func TestSharedResultsSpendOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared, a, b := newPeers(t)
		made := session.New(session.Binding{Site: "https://shop", AppID: "wx1"}, "person", "openid", session.ScopeBase)
		var spent atomic.Int32
		spend := func(context.Context) (Outcome, error) {
			spent.Add(1)
			time.Sleep(time.Second) // WeChat takes its time
			return Outcome{Session: made, Value: "the-cookie-value"}, nil
		}
		var all sync.WaitGroup
		for i, results := range []*Once{a, b, a, b} {
			all.Go(func() {
				o, err := results.Do(t.Context(), Hit{ID: "flow", Code: strings.Repeat("c", i+1)}, spend)
				if err != nil || o.Value != "the-cookie-value" || o.Session == nil || o.Session.ID != made.ID {
					t.Errorf("hit %d: %+v, %v", i, o, err)
				}
			})
		}
		all.Wait()
		if spent.Load() != 1 {
			t.Errorf("%d codes were spent", spent.Load())
		}
		for key, value := range shared.values {
			if strings.Contains(value, "the-cookie-value") {
				t.Errorf("%s holds the cookie in clear", key)
			}
		}
	})
}

// A failure frees the flow for the next try, on any instance.
func TestSharedResultsAfterAFailure(t *testing.T) {
	t.Parallel()
	_, a, b := newPeers(t)
	failure := errors.New("WeChat is down")
	if _, err := a.Do(t.Context(), Hit{ID: "flow", Code: "c"}, func(context.Context) (Outcome, error) { return Outcome{}, failure }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	o, err := b.Do(t.Context(), Hit{ID: "flow", Code: "c"}, func(context.Context) (Outcome, error) { return Outcome{Value: "v"}, nil })
	if err != nil || o.Value != "v" {
		t.Errorf("%+v, %v", o, err)
	}
}

// Unavailable is found out before the code is spent.
func TestSharedResultsUnavailable(t *testing.T) {
	t.Parallel()
	shared, a, _ := newPeers(t)
	shared.down = errors.New("connection refused")
	_, err := a.Do(t.Context(), Hit{ID: "flow", Code: "c"}, func(context.Context) (Outcome, error) {
		t.Error("the code was spent")
		return Outcome{}, nil
	})
	if !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

// A snapshot's answer is for its code only: leaving the snapshot brings the
// same flow back with a real one, perhaps to another instance.
func TestSharedResultsOfASnapshot(t *testing.T) {
	t.Parallel()
	_, a, b := newPeers(t)
	snapshot := func(context.Context) (Outcome, error) { return Outcome{Snapshot: true}, nil }
	if o, err := a.Do(t.Context(), Hit{ID: "flow", Code: "virtual"}, snapshot); err != nil || !o.Snapshot {
		t.Fatalf("%+v, %v", o, err)
	}
	o, err := b.Do(t.Context(), Hit{ID: "flow", Code: "virtual"}, func(context.Context) (Outcome, error) {
		t.Error("the duplicate hit spent the code")
		return Outcome{}, nil
	})
	if err != nil || !o.Snapshot {
		t.Errorf("the duplicate hit: %+v, %v", o, err)
	}
	o, err = b.Do(t.Context(), Hit{ID: "flow", Code: "real"}, func(context.Context) (Outcome, error) { return Outcome{Value: "v"}, nil })
	if err != nil || o.Value != "v" {
		t.Errorf("the real code: %+v, %v", o, err)
	}
}

// What peers left is not trusted further than our keys reach.
func TestSharedResultsOfOtherKeys(t *testing.T) {
	t.Parallel()
	shared, a, _ := newPeers(t)
	for _, value := range []string{"garbage", strings.Repeat("A", 400)} {
		shared.values["flow"] = value
		delete(shared.claims, "flow")
		o, err := (&Once{Shared: shared, Keys: a.Keys}).Do(t.Context(), Hit{ID: "flow", Code: "c"}, func(context.Context) (Outcome, error) { return Outcome{Value: "mine"}, nil })
		if err != nil || o.Value != "mine" {
			t.Errorf("%.10s: %+v, %v", value, o, err)
		}
	}
}

// Attack: who can write the Redis keeps a sealed result, and puts it back days
// later: it is spent anew, which WeChat refuses. A peer's clock may be behind.
func TestSharedResultsPutBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		age  time.Duration
		want string
	}{
		{"just made", 0, "kept"},
		{"a clock is behind", resultTTL + session.MaxSkew - time.Second, "kept"},
		{"put back", resultTTL + session.MaxSkew + time.Second, "anew"},
		{"put back after days", 72 * time.Hour, "anew"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, a, b := newPeers(t)
				spend := func(value string) func(context.Context) (Outcome, error) {
					return func(context.Context) (Outcome, error) { return Outcome{Value: value}, nil }
				}
				if _, err := a.Do(t.Context(), Hit{ID: "flow", Code: "c"}, spend("kept")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(test.age) // the fake forgets no value
				o, err := b.Do(t.Context(), Hit{ID: "flow", Code: "c"}, spend("anew"))
				if err != nil || o.Value != test.want {
					t.Errorf("%q, %v, want %q", o.Value, err, test.want)
				}
			})
		})
	}
}

// What a gateway of before has told has neither owner nor time: it answers
// those who bring no nonce, as it did there, and no others.
func TestSharedResultsOfYesterdaysGateways(t *testing.T) {
	t.Parallel()
	shared, a, _ := newPeers(t)
	sealed, err := a.Keys.Seal(purposeResult, "flow", []byte(`{"v":"the-cookie-value"}`))
	if err != nil {
		t.Fatal(err)
	}
	shared.values["flow"] = sealed
	never := func(context.Context) (Outcome, error) {
		t.Error("the code was spent again")
		return Outcome{}, nil
	}
	if o, err := a.Do(t.Context(), Hit{ID: "flow"}, never); err != nil || o.Value != "the-cookie-value" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := a.Do(t.Context(), Hit{ID: "flow", NonceHash: NonceHash{1}}, never); !errors.Is(err, errOtherNonce) {
		t.Errorf("with a nonce: %v", err)
	}
}
