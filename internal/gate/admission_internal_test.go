package gate

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

// A crowd signs in some at a time, and everybody does: nobody is told to come again
// because of the others.
func TestCrowdsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Results
		var now, most atomic.Int64
		var all sync.WaitGroup
		for i := range 8 * maxSigningIn {
			all.Go(func() {
				_, err := s.Do(t.Context(), hit{id: fmt.Sprint("flow", i)}, func(context.Context) (outcome, error) {
					for n := now.Add(1); n > most.Load(); {
						most.Store(n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return outcome{value: "v"}, nil
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
// visitor who leaves the queue leaves no place taken.
func TestCrowdsAreToldAtLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Results
		stuck := make(chan struct{})
		var all sync.WaitGroup
		for i := range maxSigningIn {
			all.Go(func() {
				_, _ = s.Do(t.Context(), hit{id: fmt.Sprint("stuck", i)}, func(context.Context) (outcome, error) {
					<-stuck
					return outcome{}, nil
				})
			})
		}
		synctest.Wait()
		begun := time.Now()
		_, err := s.Do(t.Context(), hit{id: "late"}, func(context.Context) (outcome, error) {
			t.Error("spent")
			return outcome{}, nil
		})
		if !errors.Is(err, session.ErrUnavailable) || time.Since(begun) != admissionPatience {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = s.Do(gone, hit{id: "gone"}, func(context.Context) (outcome, error) { return outcome{}, errCrowded })
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
