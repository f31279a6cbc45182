package signin

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/request"
)

// network4 is the i-th network of a test.
func network4(i int) netip.Prefix {
	return request.NetworkOf(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 7}))
}

// turn is a place that somebody got, or the error.
type turn struct {
	from  netip.Prefix
	leave func()
	err   error
}

// queue has n clients of a network ask for a place, one after the other.
func queue(t *testing.T, a *admission, got chan<- turn, from netip.Prefix, n int) {
	for range n {
		go func() {
			leave, err := a.enter(t.Context(), from)
			got <- turn{from, leave, err}
		}()
		synctest.Wait()
	}
}

// drain takes what has been got so far.
func drain(got <-chan turn) (all []turn) {
	synctest.Wait()
	for {
		select {
		case p := <-got:
			all = append(all, p)
		default:
			return all
		}
	}
}

// Attack: one network asks for all places, and for all places in line. The next
// free places are those of the networks that have none.
func TestAttackFloodOfOneNetworkTakesNoPlaceFromOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, got := new(admissions).at("door"), make(chan turn, 4*maxWaiting)
		flood, shop, school := network4(1), network4(2), network4(3)
		queue(t, a, got, flood, maxSigningIn+maxWaiting+200)
		first := drain(got)
		held, sent := []turn(nil), 0
		for _, p := range first {
			if p.err == nil {
				held = append(held, p)
			} else if sent++; !errors.Is(p.err, ErrTooBusy) {
				t.Errorf("sent away with %v", p.err)
			}
		}
		if len(held) != maxSigningIn || sent != 200 {
			t.Fatalf("a network that is alone has %d places, %d of it are sent away", len(held), sent)
		}
		queue(t, a, got, shop, 3)
		queue(t, a, got, school, 2)
		if out := drain(got); len(out) != 5 || out[0].from != flood || out[4].from != flood || out[0].err == nil {
			t.Fatalf("the line is full, and %v were sent away for five of other networks", out)
		}
		var order []netip.Prefix
		for _, p := range held[:7] {
			p.leave()
			for _, next := range drain(got) {
				if order = append(order, next.from); next.err != nil {
					t.Error(next.err)
				}
			}
		}
		want := []netip.Prefix{shop, school, shop, school, shop, flood, flood}
		for i := range want {
			if len(order) != len(want) || order[i] != want[i] {
				t.Fatalf("places went to %v, want %v", order, want)
			}
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.busy != maxSigningIn || a.held[shop] != 3 || a.held[school] != 2 || a.held[flood] != maxSigningIn-5 || a.waiting != maxWaiting-7 {
			t.Errorf("busy %d, held %v, waiting %d", a.busy, a.held, a.waiting)
		}
	})
}

// Attack: a flood at one door. Another door does not see it.
func TestAttackFloodAtOneDoorLeavesTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, got := new(admissions), make(chan turn, 4*maxWaiting)
		queue(t, all.at("mini"), got, network4(1), 520)
		if _, err := all.at("browsers").enter(t.Context(), network4(1)); err != nil {
			t.Error(err)
		}
	})
}

// Attack: a line full of networks that have one waiter each. It grows no
// longer, and a newcomer is told so at once.
func TestAttackLineOfManyNetworksIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, got := new(admissions).at("door"), make(chan turn, 4*maxWaiting)
		for i := range maxSigningIn + maxWaiting {
			queue(t, a, got, network4(i), 1)
		}
		begun := time.Now()
		if _, err := a.enter(t.Context(), network4(9999)); !errors.Is(err, ErrTooBusy) || time.Since(begun) != 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		time.Sleep(admissionPatience)
		if all := drain(got); len(all) != maxSigningIn+maxWaiting {
			t.Errorf("%d have heard of it", len(all))
		}
		if a.waiting != 0 || len(a.waiters) != 0 {
			t.Errorf("%d wait still, in %d lines", a.waiting, len(a.waiters))
		}
	})
}

// Within a network the order is that of arrival; one who leaves the line loses
// no place of others.
func TestLinesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := new(admissions).at("door")
		leaves := make([]func(), 0, maxSigningIn)
		for range maxSigningIn {
			leave, err := a.enter(t.Context(), network4(1))
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		order := make(chan string, 8)
		gone, cancel := context.WithCancel(t.Context())
		for i := range 4 {
			ctx := t.Context()
			if i == 1 {
				ctx = gone
			}
			go func() {
				_, err := a.enter(ctx, network4(1))
				switch {
				case errors.Is(err, ErrClientGone):
					order <- "left"
				default:
					order <- strconv.Itoa(i)
				}
			}()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		for _, leave := range leaves[:3] {
			leave()
			synctest.Wait()
		}
		for _, want := range []string{"left", "0", "2", "3"} {
			if got := <-order; got != want {
				t.Errorf("%s before %s", got, want)
			}
		}
	})
}

// The hit that stands in line for its duplicates may leave: they stay.
func TestDuplicatesOutliveTheFirstInLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Once
		stuck := make(chan struct{})
		for i := range maxSigningIn {
			go func() {
				_, _ = s.Do(t.Context(), Hit{ID: "stuck" + strconv.Itoa(i)}, func(context.Context) (Outcome, error) {
					<-stuck
					return Outcome{}, nil
				})
			}()
		}
		synctest.Wait()
		spend := func(context.Context) (Outcome, error) { return Outcome{Value: "v"}, nil }
		impatient, leave := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { _, err := s.Do(impatient, Hit{ID: "flow"}, spend); results <- err }()
		synctest.Wait()
		go func() { _, err := s.Do(t.Context(), Hit{ID: "flow"}, spend); results <- err }()
		synctest.Wait()
		leave()
		if err := <-results; err == nil {
			t.Error("who has left is signed in")
		}
		synctest.Wait()
		close(stuck)
		if err := <-results; err != nil {
			t.Errorf("the second hit: %v", err)
		}
	})
}
