package signin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

// counted is a spend that counts its calls.
func counted(calls *atomic.Int32, o Outcome, err error) func(context.Context) (Outcome, error) {
	return func(context.Context) (Outcome, error) {
		calls.Add(1)
		time.Sleep(time.Second) // WeChat takes its time; time in these tests is not real
		return o, err
	}
}

func entered(value string) Outcome { return Outcome{Session: shopSession(), Value: value} }

func TestResultsSpendOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		var calls atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				// Two codes, one flow: both of WeChat's, each is good, one is
				// spent.
				o, err := results.Do(t.Context(), Hit{ID: "flow", Code: fmt.Sprint("code", i%2)}, counted(&calls, entered("cookie"), nil))
				if err != nil || o.Value != "cookie" {
					t.Errorf("hit %d: %q, %v", i, o.Value, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(resultTTL - time.Second) // of which one was the spend
		if o, err := results.Do(t.Context(), Hit{ID: "flow", Code: "code2"}, counted(&calls, Outcome{}, nil)); err != nil || o.Value != "cookie" {
			t.Errorf("a late hit: %q, %v", o.Value, err)
		}
		if calls.Load() != 1 {
			t.Errorf("spent %d times", calls.Load())
		}
		time.Sleep(time.Second)
		if o, _ := results.Do(t.Context(), Hit{ID: "flow", Code: "code0"}, counted(&calls, entered("anew"), nil)); o.Value != "anew" {
			t.Errorf("after %v: %q", resultTTL, o.Value)
		}
		if _, err := results.Do(t.Context(), Hit{ID: "another", Code: "code0"}, counted(&calls, entered("other"), nil)); err != nil || calls.Load() != 3 {
			t.Errorf("another flow: %v, %d calls", err, calls.Load())
		}
	})
}

func TestResultsForgetFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		var calls atomic.Int32
		failure := errors.New("busy")
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := results.Do(t.Context(), Hit{ID: "flow", Code: "code"}, counted(&calls, Outcome{}, failure)); !errors.Is(err, failure) {
					t.Errorf("error %v", err)
				}
			})
		}
		wg.Wait()
		if calls.Load() != 1 {
			t.Errorf("spent %d times at once", calls.Load())
		}
		if o, err := results.Do(t.Context(), Hit{ID: "flow", Code: "code"}, counted(&calls, entered("cookie"), nil)); err != nil || o.Value != "cookie" {
			t.Errorf("after a failure: %q, %v", o.Value, err)
		}
	})
}

// A snapshot comes back with the same flow and a real code when the visitor
// taps 使用完整服务: only the same code is answered from memory.
func TestResultsOfSnapshotsAreKeptByCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		var calls atomic.Int32
		for range 2 {
			if o, _ := results.Do(t.Context(), Hit{ID: "flow", Code: "virtual"}, counted(&calls, Outcome{Snapshot: true}, nil)); !o.Snapshot {
				t.Error("not a snapshot")
			}
		}
		if calls.Load() != 1 {
			t.Errorf("a snapshot's code was spent %d times", calls.Load())
		}
		if o, _ := results.Do(t.Context(), Hit{ID: "flow", Code: "real"}, counted(&calls, entered("cookie"), nil)); o.Value != "cookie" {
			t.Errorf("the real code gave %+v", o)
		}
		if o, _ := results.Do(t.Context(), Hit{ID: "flow", Code: "virtual"}, counted(&calls, Outcome{}, nil)); o.Value != "cookie" {
			t.Error("the old code undid the sign-in")
		}
	})
}

// A visitor who leaves does not take the spending along: the code would be
// lost.
func TestResultsSurviveTheVisitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		var calls atomic.Int32
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		spend := func(ctx context.Context) (Outcome, error) {
			o, err := counted(&calls, entered("cookie"), nil)(ctx)
			return o, errors.Join(err, ctx.Err())
		}
		if _, err := results.Do(ctx, Hit{ID: "flow", Code: "code"}, spend); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if o, err := results.Do(t.Context(), Hit{ID: "flow", Code: "code"}, spend); err != nil || o.Value != "cookie" || calls.Load() != 1 {
			t.Errorf("the second hit: %q, %v, %d calls", o.Value, err, calls.Load())
		}
	})
}

// Attack 39: a bounded map that blocks everybody when it is full.
func TestAttack39ResultsAreBoundedAndNeverBlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		flow := func(i int) resultKey { return resultKey{flow: fmt.Sprint(i)} }
		for i := range maxResults + maxResults/2 {
			results.keep(flow(i), Outcome{Value: "x", until: time.Now().Add(resultTTL)})
			if len(results.done) > maxResults {
				t.Fatalf("%d results", len(results.done))
			}
			if _, ok := results.find([]resultKey{flow(i)}); !ok {
				t.Fatal("the newest result is not there")
			}
		}
		time.Sleep(2 * resultTTL)
		if results.mu.Lock(); len(results.done) > 0 {
			t.Errorf("%d results are left when all are over", len(results.done))
		}
		results.mu.Unlock()
	})
}

// No outcome and no code outlives its time, though no other sign-in comes, and
// those of a person who is erased go at once.
func TestResultsForgetPersons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		key := func(flow string) resultKey { return resultKey{flow: flow} }
		keep := func(flow, person string) {
			results.keep(key(flow), Outcome{Session: &session.Session{Person: person}, until: time.Now().Add(resultTTL)})
		}
		keep("one", "erased")
		keep("two", "another")
		keep("three", "merged")
		results.keep(key("snapshot"), Outcome{Snapshot: true, until: time.Now().Add(snapshotTTL)})
		results.Forget("erased", "merged")
		for flow, kept := range map[string]bool{"one": false, "two": true, "three": false, "snapshot": true} {
			if results.Ran(flow) != kept {
				t.Errorf("%s is kept: %t, want %t", flow, !kept, kept)
			}
		}
		results.keepSpent(spentKey{name: "code", hit: Hit{ID: "flow", Code: "code"}}, ledger.Observation{OpenID: "o"})
		time.Sleep(resultTTL / 2)
		keep("four", "another")
		time.Sleep(2*resultTTL + time.Second)
		results.mu.Lock()
		defer results.mu.Unlock()
		if left := len(results.done) + results.spent.sweep(time.Now()); left > 0 {
			t.Errorf("%d are left", left)
		}
	})
}

// A reload of the snapshot's page finds the code spent, and begins anew: the
// person may have left the snapshot meanwhile.
func TestResultsForgetSnapshotsSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var results Once
		spent := 0
		hit := func() {
			o, err := results.Do(t.Context(), Hit{ID: "flow", Code: "code"}, func(context.Context) (Outcome, error) {
				spent++
				return Outcome{Snapshot: true}, nil
			})
			if err != nil || !o.Snapshot {
				t.Fatalf("%v, %v", o, err)
			}
		}
		hit()
		hit() // WeChat's second hit
		if spent != 1 {
			t.Errorf("a duplicate hit spent the code again")
		}
		time.Sleep(snapshotTTL)
		hit()
		if spent != 2 {
			t.Errorf("a reload was answered from memory")
		}
	})
}
