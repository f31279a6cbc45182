package signin

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/caddy-wechat/gateway/internal/counters"
)

// What runs, what waits, and what gets no turn is counted over all queues.
func TestAdmissionIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := Once{Refusals: new(counters.Counter)}
		stuck := make(chan struct{})
		var all sync.WaitGroup
		begin := func(queue, id string) {
			all.Go(func() {
				h := Hit{Queue: queue, ID: id, Network: netip.MustParsePrefix("192.0.2.0/24")}
				_, _ = s.Do(t.Context(), h, func(context.Context) (Outcome, error) {
					<-stuck
					return Outcome{Value: "v"}, nil
				})
			})
		}
		want := func(what string, running, waiting int, refused uint64) {
			t.Helper()
			synctest.Wait()
			if r, w := s.Load(); r != running || w != waiting || s.Refusals.Load() != refused {
				t.Errorf("%s: %d run, %d wait, %d refused; want %d, %d, %d", what, r, w, s.Refusals.Load(), running, waiting, refused)
			}
		}
		want("at first", 0, 0, 0)
		begin("a", "one")
		begin("b", "two")
		want("two queues", 2, 0, 0)
		for i := range maxSigningIn + maxWaiting {
			begin("a", fmt.Sprint("more", i))
		}
		want("a crowd", maxSigningIn+1, maxWaiting, 1)
		close(stuck)
		all.Wait()
		want("at last", 0, 0, 1)
	})
}
