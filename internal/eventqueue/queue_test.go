package eventqueue

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// handler records what it got. It waits for gate, if there is one, or for the
// end of its context.
type handler struct {
	mu   sync.Mutex
	got  []audit.Event
	gate chan struct{}
	deaf bool // it does not heed its context
	cut  int  // how often its context ended
}

func (h *handler) deliver(ctx context.Context, e Event) {
	if h.gate != nil {
		if h.deaf {
			<-h.gate
		} else {
			select {
			case <-h.gate:
			case <-ctx.Done():
				h.mu.Lock()
				h.cut++
				h.mu.Unlock()
				return
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Name == "panics" {
		panic("a handler's fault")
	}
	h.got = append(h.got, e.Name)
}

func (h *handler) all() []audit.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newQueue(h *handler) (*Queue, *lines) {
	l := new(lines)
	return New(h.deliver, slog.New(slog.NewTextHandler(l, nil))), l
}

// Events are delivered in their order, those from before the start included,
// and Close delivers those that wait.
func TestEventsAreDeliveredInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(handler)
		q, l := newQueue(h)
		q.Emit(Event{Name: "a"})
		synctest.Wait()
		if got := h.all(); len(got) != 0 {
			t.Errorf("%q came before the start", got)
		}
		q.Start(true)
		q.Start(true)
		q.Emit(Event{Name: "b"})
		q.Emit(Event{Name: "c"})
		q.Close()
		q.Close()
		if got := h.all(); !slices.Equal(got, []audit.Event{"a", "b", "c"}) {
			t.Errorf("got %q", got)
		}
		if q.Emit(Event{Name: "d"}) {
			t.Error("a closed queue takes an event")
		}
		if delivered, dropped := q.Counts(); delivered != 3 || dropped != 0 || l.String() != "" {
			t.Errorf("%d delivered, %d dropped, log %q", delivered, dropped, l)
		}
	})
}

// Attack: a flood of events before a handler that hangs. Requests go on at
// once, memory stays bounded, and the log has one line a minute, whose next one
// counts those left out. Events of another name still get through.
func TestAttackAFloodOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &handler{gate: make(chan struct{})}
		q, l := newQueue(h)
		q.Start(true)
		begun, emitted := time.Now(), uint64(0)
		for time.Since(begun) < time.Minute-time.Second {
			for range 10 {
				q.Emit(Event{Name: "flood"})
				emitted++
			}
			time.Sleep(10 * time.Millisecond)
		}
		q.Emit(Event{Name: "other"})
		if n := strings.Count(l.String(), "events are dropped"); n != 1 {
			t.Errorf("%d lines about dropped events: %s", n, l)
		}
		time.Sleep(time.Minute)
		for range perName {
			q.Emit(Event{Name: "flood"})
			emitted++
		}
		if n := strings.Count(l.String(), "events are dropped"); n != 2 || strings.Count(l.String(), "left_out=0") != 1 {
			t.Errorf("%d lines after a minute: %s", n, l)
		}
		close(h.gate)
		synctest.Wait()
		if got := h.all(); !slices.Contains(got, "other") || len(got) > perName+2 {
			t.Errorf("%d events came through, the other among them: %t", len(got), slices.Contains(got, "other"))
		}
		if delivered, dropped := q.Counts(); delivered+dropped != emitted+1 {
			t.Errorf("%d delivered, %d dropped of %d", delivered, dropped, emitted+1)
		}
		q.Close()
	})
}

// Attack: a flood of refused sign-ins starts a program each. Also with a quick
// handler, a name has few events in a second.
func TestAttackEventsStartPrograms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(handler)
		q, _ := newQueue(h)
		q.Start(true)
		for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(time.Millisecond) {
			q.Emit(Event{Name: "flood"})
		}
		q.Close()
		if got, most := len(h.all()), Rate.Burst+int(10*time.Second/Rate.Every)+1; got > most || got < most-2 {
			t.Errorf("%d events in ten seconds, want %d", got, most)
		}
	})
}

// A program that a handler started in the background goes on when the
// configuration ends.
func TestCloseDoesNotCancelBackgroundWork(t *testing.T) {
	t.Parallel()
	var given context.Context
	q := New(func(ctx context.Context, _ Event) { given = ctx }, slog.New(slog.DiscardHandler))
	q.Start(true)
	q.Emit(Event{Name: "a"})
	q.Close()
	if given == nil || given.Err() != nil {
		t.Errorf("the context of a handler that has returned: %v", given)
	}
}

// A handler that hangs holds the end of a configuration up for a few seconds at
// most, and is canceled. What is lost is counted.
func TestCloseDoesNotWaitForAHandlerThatHangs(t *testing.T) {
	t.Parallel()
	for name, deaf := range map[string]bool{"it heeds its context": false, "it does not": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &handler{gate: make(chan struct{}), deaf: deaf}
				q, l := newQueue(h)
				q.Start(true)
				for range 3 {
					q.Emit(Event{Name: "slow"})
				}
				synctest.Wait()
				begun := time.Now()
				q.Close()
				if waited := time.Since(begun); waited < patience || waited > patience+farewell {
					t.Errorf("Close took %s", waited)
				}
				if !strings.Contains(l.String(), "events were lost") || !strings.Contains(l.String(), "events=2") {
					t.Errorf("the log says %q, want 2 lost events", l)
				}
				close(h.gate)
				synctest.Wait()
				if !deaf && h.cut != 1 {
					t.Errorf("the handler was canceled %d times", h.cut)
				}
			})
		})
	}
}

// Where nothing listens, no goroutine runs and nothing is kept.
func TestNothingListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(handler)
		q, _ := newQueue(h)
		q.Emit(Event{Name: "before"})
		q.Start(false)
		for range 2 * Size {
			if !q.Emit(Event{Name: "after"}) {
				t.Fatal("the queue calls itself closed")
			}
		}
		if len(q.waiting) != 0 || q.over != nil || len(h.all()) != 0 {
			t.Errorf("%d events wait, %q were delivered", len(q.waiting), h.all())
		}
		if _, dropped := q.Counts(); dropped != 0 {
			t.Errorf("%d events count as dropped", dropped)
		}
		q.Close()
	})
}

// A handler that panics ends neither the server nor the events after it.
func TestAHandlerThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(handler)
		q, l := newQueue(h)
		q.Start(true)
		for range 5 {
			q.Emit(Event{Name: "panics"})
		}
		q.Emit(Event{Name: "after"})
		q.Close()
		if got := h.all(); !slices.Equal(got, []audit.Event{"after"}) {
			t.Errorf("got %q", got)
		}
		if n := strings.Count(l.String(), "panicked"); n != 1 || !strings.Contains(l.String(), "a handler's fault") {
			t.Errorf("%d lines: %s", n, l)
		}
	})
}

// Requests emit while the queue starts and closes: no event is taken and then
// forgotten without being counted.
func TestEmitWhileItCloses(t *testing.T) {
	t.Parallel()
	h := new(handler)
	q, _ := newQueue(h)
	var taken sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			n := 0
			for q.Emit(Event{Name: "x"}) {
				n++
			}
			taken.Store(i, n)
		})
	}
	q.Start(true)
	for delivered := uint64(0); delivered < 50; delivered, _ = q.Counts() {
		runtime.Gosched()
	}
	q.Close()
	all.Wait()
	total := 0
	taken.Range(func(_, n any) bool { total += n.(int); return true })
	if delivered, dropped := q.Counts(); delivered+dropped != uint64(total) {
		t.Errorf("%d taken, %d delivered, %d dropped", total, delivered, dropped)
	}
}
