package heartbeat_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// The harness: a wire is a Bus in memory that breaks, stalls or swallows when
// it is told to. An ear is a Listener that keeps what it was called with.
// hearing starts a Connection between them, in a bubble of synctest.

const (
	sessions = "sessions"
	news     = "news"
	moment   = 4 * heartbeat.DefaultEvery
)

var errBroken = errors.New("broken")

// wire carries messages in order, as Redis does.
type wire struct {
	mu         sync.Mutex
	ears       []*earOf
	subscribed int       // how many subscriptions there were
	since      time.Time // when the last one began
	published  []string

	refuses bool                               // subscriptions and messages fail
	stalls  bool                               // messages wait on the way
	loses   func(channel, message string) bool // messages are lost without a word
	late    time.Duration                      // how long a message is under way
	hangs   bool                               // Publish waits until its context ends
	slow    time.Duration                      // how long Publish takes to reach Redis
}

// earOf is one subscription.
type earOf struct {
	channels []string
	messages chan [2]string
	broken   chan struct{}
}

func (w *wire) Publish(ctx context.Context, channel, message string) error {
	w.mu.Lock()
	slow := w.slow
	w.mu.Unlock()
	time.Sleep(slow)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hangs {
		w.mu.Unlock()
		defer w.mu.Lock() // for the one above
		<-ctx.Done()
		return ctx.Err()
	}
	if w.refuses {
		return errBroken
	}
	w.published = append(w.published, channel+" "+message)
	w.deliver(channel, message)
	return nil
}

// carry is a message that another gateway publishes, whose way to Redis works.
func (w *wire) carry(channel, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliver(channel, message)
}

// deliver gives a message to those who are subscribed. The caller holds the
// lock.
func (w *wire) deliver(channel, message string) {
	if w.loses != nil && w.loses(channel, message) {
		return
	}
	for _, e := range w.ears {
		if slices.Contains(e.channels, channel) {
			e.messages <- [2]string{channel, message}
		}
	}
}

func (w *wire) Subscribe(ctx context.Context, channels []string, receive func(channel, message string)) error {
	e := &earOf{channels: channels, messages: make(chan [2]string, 1<<12), broken: make(chan struct{})}
	w.mu.Lock()
	w.subscribed++
	w.since = time.Now()
	if w.refuses {
		w.mu.Unlock()
		return errBroken
	}
	w.ears = append(w.ears, e)
	w.mu.Unlock()
	for {
		select {
		case m := <-e.messages:
			if !w.travels(ctx, e) {
				continue
			}
			receive(m[0], m[1])
		case <-e.broken:
			return errBroken
		case <-ctx.Done():
			w.forget(e)
			return ctx.Err()
		}
	}
}

// travels lets a message be under way, and reports whether it arrives.
func (w *wire) travels(ctx context.Context, e *earOf) bool {
	for {
		w.mu.Lock()
		stalls, late := w.stalls, w.late
		w.mu.Unlock()
		if stalls {
			late = 10 * time.Millisecond
		}
		select {
		case <-time.After(late):
			if !stalls {
				return true
			}
		case <-e.broken:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (w *wire) forget(e *earOf) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ears = slices.DeleteFunc(w.ears, func(other *earOf) bool { return other == e })
}

// set changes how the wire behaves.
func (w *wire) set(change func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// breaks ends all subscriptions; what is under way is lost.
func (w *wire) breaks() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.ears {
		close(e.broken)
	}
	w.ears = nil
}

// lastBeat is the heartbeat that was published last, and on which channel.
func (w *wire) lastBeat(t *testing.T) (channel, message string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range slices.Backward(w.published) {
		if channel, message, _ = strings.Cut(p, " "); strings.HasPrefix(message, "b") {
			return channel, message
		}
	}
	t.Fatal("no heartbeat was sent")
	return "", ""
}

// ear is a Listener.
type ear struct {
	mu    sync.Mutex
	calls []string
}

func (e *ear) note(call string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, call)
}

func (e *ear) Receive(message string) { e.note(message) }
func (e *ear) Begin()                 { e.note("begin") }
func (e *ear) Break(err error)        { e.note("break: " + err.Error()) }

// heard returns the calls since it was asked last.
func (e *ear) heard() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.calls = nil }()
	return strings.Join(e.calls, ", ")
}

func (e *ear) want(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	if got := e.heard(); got != want {
		t.Errorf("the listener was called with %q, want %q", got, want)
	}
}

// hearing returns a Connection that hears a wire.
func hearing(t *testing.T, w *wire) (*heartbeat.Connection, *ear) {
	t.Helper()
	c, e := &heartbeat.Connection{Bus: w}, new(ear)
	c.Listen(news, e)
	c.Start()
	c.Start() // does nothing
	t.Cleanup(func() { _ = c.Close() })
	return c, e
}

// wantCovers asks about what was read a while ago.
func wantCovers(t *testing.T, c *heartbeat.Connection, want bool, age time.Duration) {
	t.Helper()
	now := time.Now()
	if got := c.Covers(now.Add(-age), now, moment); got != want {
		t.Errorf("what was read %s ago is covered: %t, want %t", age, got, want)
	}
}
