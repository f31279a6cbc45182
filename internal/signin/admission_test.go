package signin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// A crowd signs in some at a time, and everybody does: nobody is told to come
// again because of the others.
func TestCrowdsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Once
		var now, most atomic.Int64
		var all sync.WaitGroup
		for i := range 8 * maxSigningIn {
			all.Go(func() {
				_, err := s.Do(t.Context(), Hit{ID: fmt.Sprint("flow", i)}, func(context.Context) (Outcome, error) {
					for n := now.Add(1); n > most.Load(); {
						most.Store(n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return Outcome{Value: "v"}, nil
				})
				if err != nil {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		if most.Load() > maxSigningIn {
			t.Errorf("%d at once", most.Load())
		}
	})
}

// Where nobody gets on, the others are told so before anything is spent, and a
// Visitor who leaves the queue leaves no place taken.
func TestCrowdsAreToldAtLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Once
		stuck := make(chan struct{})
		var all sync.WaitGroup
		for i := range maxSigningIn {
			all.Go(func() {
				_, _ = s.Do(t.Context(), Hit{ID: fmt.Sprint("stuck", i)}, func(context.Context) (Outcome, error) {
					<-stuck
					return Outcome{}, nil
				})
			})
		}
		synctest.Wait()
		begun := time.Now()
		_, err := s.Do(t.Context(), Hit{ID: "late"}, func(context.Context) (Outcome, error) {
			t.Error("spent")
			return Outcome{}, nil
		})
		if !errors.Is(err, session.ErrUnavailable) || time.Since(begun) != admissionPatience {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = s.Do(gone, Hit{ID: "gone"}, func(context.Context) (Outcome, error) { return Outcome{}, ErrTooBusy })
		if err == nil {
			t.Error("who has gone is signed in")
		}
		synctest.Wait()
		close(stuck)
		all.Wait()
		for range maxSigningIn {
			if _, err := s.admissions.at("").enter(t.Context(), netip.Prefix{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
