package webhook

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// What each answer of a receiver makes of an event.
func TestAnswers(t *testing.T) {
	for status, want := range map[int]string{
		200: "sent", 204: "sent", 299: "sent", 410: "bury",
		0: "postpone", 101: "postpone", 301: "postpone", 307: "postpone", 400: "postpone", 401: "postpone", 404: "postpone",
		429: "postpone", 500: "postpone", 503: "postpone",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := &box{}
				b.put(event(1, 1))
				s := newSender(b, newReceiver(t, func(call, int) (int, http.Header) { return status, nil }), "a")
				end := start(t, s)
				time.Sleep(time.Millisecond)
				end()
				if got := b.notes(); !slices.Equal(got, []string{want + " " + eventID(1)}) {
					t.Errorf("noted %q", got)
				}
				counts := map[string]Counts{"sent": {Sent: 1}, "postpone": {Failed: 1}, "bury": {Failed: 1, Buried: 1}}
				if got := s.Counts(); got != counts[want] {
					t.Errorf("counted %+v", got)
				}
			})
		})
	}
}

// A receiver that never answers is tried for three days, with growing pauses.
func TestTriesForThreeDays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &box{}
		r := newReceiver(t, func(call, int) (int, http.Header) { return 0, nil })
		b.put(event(1, 1))
		time.Sleep(100 * time.Hour) // no gateway runs: to wait is not to be tried
		sender := newSender(b, r, "a")
		var gaveUp []ledger.EventKind
		sender.GivenUp = func(kind ledger.EventKind) { gaveUp = append(gaveUp, kind) }
		end := start(t, sender)
		defer end()
		time.Sleep(80 * time.Hour)
		calls := r.seen()
		for i, c := range calls[1:] {
			pause := pauses[min(i, len(pauses)-1)]
			gap := c.at.Sub(calls[i].at)
			last := i == len(calls)-2
			if gap > pause+pause/5+time.Second || gap < pause && !last {
				t.Errorf("pause %d is %v, not about %v", i, gap, pause)
			}
		}
		if over := calls[len(calls)-1].at.Sub(calls[0].at); over < giveUp || over > giveUp+time.Second {
			t.Errorf("the last attempt was %v after the first", over)
		}
		waiting, dead := b.left()
		if len(waiting) != 0 || len(dead) != 1 || dead[0].Reason != "no valid answer" {
			t.Errorf("waiting %v, dead %v", waiting, dead)
		}
		if synctest.Wait(); len(gaveUp) != 1 || gaveUp[0] != dead[0].Kind {
			t.Errorf("told of %q, want the kind of the one dead letter", gaveUp)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := time.Now()
		for _, c := range []struct {
			status int
			header string
			least  time.Duration
		}{
			{429, "120", 120 * time.Second},
			{503, "120", 120 * time.Second},
			{503, now.Add(10 * time.Minute).UTC().Format(http.TimeFormat), 10 * time.Minute},
			{503, now.Add(-time.Hour).UTC().Format(http.TimeFormat), 0},
			{429, "99999999999999999999999", time.Hour},
			{429, "4000000000", time.Hour},
			{503, "Fri, 31 Dec 9999 23:59:59 GMT", time.Hour},
			{429, "-5", 0},
			{429, "soon", 0},
			{429, "", 0},
			{500, "120", 0},
		} {
			got := retryAfter(c.status, http.Header{"Retry-After": {c.header}}, now)
			if got != c.least && (got < c.least-time.Second || got > c.least) {
				t.Errorf("%d %q: %v", c.status, c.header, got)
			}
		}
		b := &box{}
		r := newReceiver(t, func(_ call, n int) (int, http.Header) {
			return []int{503, 204}[n], http.Header{"Retry-After": {"1200"}}
		})
		b.put(event(1, 1))
		end := start(t, newSender(b, r, "a"))
		time.Sleep(time.Hour)
		end()
		if calls := r.seen(); len(calls) != 2 || calls[1].at.Sub(calls[0].at) < 20*time.Minute {
			t.Errorf("%d calls", len(calls))
		}
	})
}

// Whatever fails, each person's events arrive in order, and those whose
// receiver works are not held up.
func TestOrderPerPersonUnderFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const persons, each = 20, 12
		b := &box{}
		for n := range persons * each {
			b.put(event(n, n%persons))
		}
		var accepted []string
		r := newReceiver(t, nil)
		r.takes = 50 * time.Millisecond
		r.answer = func(c call, _ int) (int, http.Header) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if rand.N(100) < 30 {
				return 500 * rand.N(2), nil
			}
			accepted = append(accepted, c.id)
			return 200, nil
		}
		end := start(t, newSender(b, r, "a"))
		time.Sleep(48 * time.Hour)
		end()
		r.mu.Lock()
		defer r.mu.Unlock()
		last := map[int]int{}
		for _, id := range accepted {
			n := numberOf(id)
			if before, ok := last[n%persons]; ok && n != before+persons {
				t.Errorf("person %d: %d after %d", n%persons, n, before)
			}
			last[n%persons] = n
		}
		if len(accepted) != persons*each {
			t.Errorf("%d of %d accepted", len(accepted), persons*each)
		}
		if r.most != parallel {
			t.Errorf("%d at the same time", r.most)
		}
	})
}

// One person whose event the receiver never takes does not hold up others.
func TestOnePoisonedEventHoldsUpNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &box{}
		b.put(event(0, 0), event(1, 0))
		for n := 2; n < 100; n++ {
			b.put(event(n, n))
		}
		r := newReceiver(t, func(c call, _ int) (int, http.Header) {
			if c.id == eventID(0) {
				return 500, nil
			}
			return 200, nil
		})
		r.takes = 10 * time.Millisecond
		end := start(t, newSender(b, r, "a"))
		time.Sleep(time.Second)
		if waiting, _ := b.left(); len(waiting) != 2 {
			t.Errorf("%d still wait", len(waiting))
		}
		time.Sleep(80 * time.Hour)
		end()
		ids := r.ids()
		if waiting, dead := b.left(); len(waiting) != 0 || len(dead) != 1 || ids[len(ids)-1] != eventID(1) {
			t.Error("after the burial of an event the next of its person was not sent")
		}
	})
}

// A receiver that is down gets a request a second, however many events wait,
// and all of them once it is back.
func TestReceiverDownIsNotFlooded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &box{}
		for n := range 500 {
			b.put(event(n, n))
		}
		var up atomic.Bool
		r := newReceiver(t, nil)
		r.answer = func(call, int) (int, http.Header) {
			if up.Load() {
				return 200, nil
			}
			return 0, nil
		}
		end := start(t, newSender(b, r, "a"))
		defer end()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.seen()); n < 30 || n > 60+2*parallel {
			t.Errorf("%d requests in a minute", n)
		}
		up.Store(true)
		time.Sleep(3 * time.Minute)
		if waiting, dead := b.left(); len(waiting)+len(dead) != 0 {
			t.Errorf("%d wait, %d dead", len(waiting), len(dead))
		}
	})
}

// What was accepted but cannot be noted is not sent again and again.
func TestOutboxDownIsNoStorm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &box{}
		b.put(event(1, 1))
		sick := true
		b.broken = func(method string) error {
			if sick && method == "sent" {
				return ledger.ErrUnavailable
			}
			return nil
		}
		r := newReceiver(t, accept)
		end := start(t, newSender(b, r, "a"))
		defer end()
		time.Sleep(10 * time.Minute)
		b.mu.Lock()
		sick = false
		b.mu.Unlock()
		time.Sleep(2 * time.Second)
		if waiting, _ := b.left(); len(waiting) != 0 || len(r.seen()) != 1 {
			t.Errorf("%d wait, %d requests", len(waiting), len(r.seen()))
		}
	})
}

func TestOutboxUnreadable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &box{}
		b.put(event(1, 1))
		asked := 0
		b.broken = func(method string) error {
			if asked++; asked < 20 {
				return errors.New(method)
			}
			return nil
		}
		r := newReceiver(t, accept)
		end := start(t, newSender(b, r, "a"))
		time.Sleep(3 * time.Minute)
		end()
		if len(r.seen()) != 1 {
			t.Errorf("%d requests", len(r.seen()))
		}
	})
}
