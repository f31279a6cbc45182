package webhook

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// senders are those whose requests arrived, each named once a stretch.
func (r *receiver) senders() (names []string) {
	for _, c := range r.seen() {
		if len(names) == 0 || names[len(names)-1] != c.sender {
			names = append(names, c.sender)
		}
	}
	return names
}

// feed puts an event into the outbox each second.
func feed(b *box, d time.Duration) {
	for n := range int(d / time.Second) {
		b.put(event(n, n))
		time.Sleep(time.Second)
	}
}

func TestOneSenderAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, r := &box{}, newReceiver(t, accept)
		endA := start(t, newSender(b, r, "a"))
		time.Sleep(time.Second)
		endB := start(t, newSender(b, r, "b"))
		feed(b, 5*time.Minute)
		if got := r.senders(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("senders: %v", got)
		}
		endA()
		ended := time.Now()
		feed(b, 20*time.Second)
		time.Sleep(2 * poll)
		endB()
		calls := r.seen()
		i := slices.IndexFunc(calls, func(c call) bool { return c.sender == "b" })
		if got := r.senders(); !slices.Equal(got, []string{"a", "b"}) || calls[i].at.Sub(ended) > 6*time.Second {
			t.Errorf("senders: %v; the second begins %v after the end of the first", got, calls[i].at.Sub(ended))
		}
		if waiting, _ := b.left(); len(waiting) != 0 {
			t.Errorf("%d wait", len(waiting))
		}
	})
}

// A sender that loses sight of the outbox stops before another may begin.
func TestSenderCutOffStopsBeforeTakeover(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, r := &box{}, newReceiver(t, accept)
		r.takes = 14 * time.Second // something is always under way
		endA := start(t, newSender(b, r, "a"))
		time.Sleep(time.Second)
		b.mu.Lock()
		lost := b.owner
		b.mu.Unlock()
		endB := start(t, newSender(b, r, "b"))
		for n := range 200 {
			b.put(event(n, n))
		}
		time.Sleep(30 * time.Second)
		b.mu.Lock()
		b.broken = func(method string) error {
			if method == "lease "+lost {
				return ledger.ErrUnavailable
			}
			return nil
		}
		cut, until := time.Now(), b.until
		b.mu.Unlock()
		time.Sleep(2 * time.Minute)
		endA()
		endB()
		var lastA, firstB time.Time
		for _, c := range r.seen() {
			if c.sender == "a" {
				lastA = c.at
			} else if firstB.IsZero() {
				firstB = c.at
			}
		}
		if got := r.senders(); !slices.Equal(got, []string{"a", "b"}) || !lastA.Before(firstB) || firstB.Sub(until) > 3*time.Second || r.ended["a"].After(until) {
			t.Errorf("senders: %v; lease until %v, a until %v, b from %v", got, until.Sub(cut), r.ended["a"].Sub(cut), firstB.Sub(cut))
		}
	})
}

// A sender whose lease another one has got cuts off what is under way, and
// notes nothing about it.
func TestLeaseLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, r := &box{}, newReceiver(t, accept)
		r.takes = 12 * time.Second
		end := start(t, newSender(b, r, "a"))
		time.Sleep(8 * time.Second)
		b.put(event(1, 1))
		time.Sleep(1500 * time.Millisecond) // it is under way
		b.mu.Lock()
		b.owner, b.until = "somebody else", time.Now().Add(time.Hour)
		b.mu.Unlock()
		time.Sleep(time.Minute)
		if got := b.notes(); len(got) != 0 || len(r.seen()) != 1 {
			t.Errorf("noted %v after %d requests", got, len(r.seen()))
		}
		end()
	})
}

// A process that stood still longer than its lease looks at the clock before
// anything else.
func TestStandstillEndsTheTerm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, r := &box{}, newReceiver(t, accept)
		s := newSender(b, r, "a")
		s.Logger = discard
		term := s.take(t.Context(), "me")
		defer term.end()
		if !term.holds() {
			t.Fatal("no term")
		}
		term.mu.Lock()
		term.until = time.Now().Add(leaseMargin) // the timer has not fired yet
		term.mu.Unlock()
		keys, _ := s.keys()
		p := post{sender: s, client: &http.Client{Transport: s.transport}, keys: keys}
		result := p.deliver(term, ledger.Delivery{Event: event(1, 1)})
		if result.stage != aborted || len(r.seen()) != 0 || len(b.notes()) != 0 {
			t.Errorf("sent without a lease: %+v", result)
		}
	})
}

// The end of the server: what ends in time is noted, what does not is cut off
// and comes again.
func TestEndLeavesAttemptsTheirGrace(t *testing.T) {
	for name, takes := range map[string]time.Duration{"in time": 4 * time.Second, "too slow": 14 * time.Second} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b, r := &box{}, newReceiver(t, accept)
				r.takes = takes
				for n := range 20 {
					b.put(event(n, n))
				}
				end := start(t, newSender(b, r, "a"))
				time.Sleep(time.Millisecond)
				began := time.Now()
				end()
				notes := strings.Join(b.notes(), " ")
				if took := time.Since(began); took > grace+time.Second || len(r.seen()) != parallel || b.owner != "" {
					t.Errorf("took %v, %d requests, lease %q", took, len(r.seen()), b.owner)
				}
				if sent := strings.Count(notes, "sent"); sent != map[string]int{"in time": parallel}[name] || strings.Contains(notes, "postpone") {
					t.Errorf("noted %s", notes)
				}
			})
		})
	}
}

func TestSlowReceiverTimesOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, r := &box{}, newReceiver(t, accept)
		r.takes = time.Hour
		b.put(event(1, 1))
		end := start(t, newSender(b, r, "a"))
		time.Sleep(timeout + time.Second)
		waiting, _ := b.left()
		if len(waiting) != 1 || waiting[0].Attempts != 1 || waiting[0].Reason != "no answer in time" {
			t.Errorf("waiting: %+v", waiting)
		}
		end()
	})
}

func TestWakeSendsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, r := &box{}, newReceiver(t, accept)
		s := newSender(b, r, "a")
		s.Wake() // before Run
		end := start(t, s)
		defer end()
		time.Sleep(10*time.Second + 300*time.Millisecond)
		b.put(event(1, 1))
		s.Wake()
		s.Wake()
		synctest.Wait()
		if len(r.seen()) != 1 {
			t.Error("not sent at once")
		}
		b.put(event(2, 1)) // another process wrote it: nobody wakes us
		time.Sleep(poll)
		synctest.Wait()
		if len(r.seen()) != 2 {
			t.Error("not sent within a second")
		}
	})
}
