package session_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
	"github.com/caddy-wechat/gateway/session"
)

// lines are several channels on one line.
type lines struct{ line }

func (w *lines) Publish(ctx context.Context, channel, message string) error {
	return w.line.Publish(ctx, channel+" "+message)
}

func (w *lines) Subscribe(ctx context.Context, channels []string, receive func(channel, message string)) error {
	return w.line.Subscribe(ctx, func(message string) {
		channel, message, _ := strings.Cut(message, " ")
		if slices.Contains(channels, channel) {
			receive(channel, message)
		}
	})
}

// neighbour is another listener of the same process.
type neighbour struct{ heard []string }

func (*neighbour) Begin()                   {}
func (*neighbour) Break(error)              {}
func (n *neighbour) Receive(message string) { n.heard = append(n.heard, message) }

// A CachedStore that shares its connection with other listeners of the process
// hears ends at once, notices when it hears nothing, and sends no heartbeat of
// its own.
func TestNearSharesAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, other := new(lines), new(neighbour)
		shared := &heartbeat.Connection{Bus: w}
		shared.Listen("news", other)
		c := &counted{Store: session.Sealed{Keys: newRing(t, secrets[0]), Tombstones: new(graves)}}
		n := &session.CachedStore{Store: c, Bus: &heartbeat.Channel{Connection: shared, Name: "sessions"}}
		n.Start()
		shared.Start()
		defer n.Close()
		defer shared.Close()
		a := &session.CachedStore{Store: c, Bus: &heartbeat.Channel{Connection: &heartbeat.Connection{Bus: w}, Name: "sessions"}}

		time.Sleep(time.Second + time.Millisecond)
		if sent := w.sent.Load(); sent != 10 {
			t.Errorf("%d messages were sent in a second, want 10 heartbeats", sent)
		}
		s := newSession()
		value := mustSave(t, a, s)
		synctest.Wait() // it is announced
		wantSession(t, n, value)
		c.loads.Store(0)
		for range 48 { // it is known, for as long as the connection works
			wantSession(t, n, value)
			time.Sleep(100 * time.Millisecond)
		}
		wantLoads(t, c, 0)
		if err := a.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantNone(t, n, value)

		s = newSession()
		value = mustSave(t, a, s)
		wantSession(t, n, value)
		w.cut.Store(true)
		if err := a.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(session.DefaultStale)
		wantNone(t, n, value)
		if len(other.heard) != 0 {
			t.Errorf("another channel's listener heard %q", other.heard)
		}
	})
}
