package session_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
	"github.com/caddy-wechat/gateway/session"
)

// messagesOfBefore are what a gateway published that had a connection and a
// heartbeat for sessions alone, recorded from it: its channel, and the messages
// of each step with upgrading's session.
type messagesOfBefore struct {
	Channel string
	Rows    []struct {
		What     string
		Messages []string
	}
}

func readMessagesOfBefore(t *testing.T) (m messagesOfBefore) {
	t.Helper()
	data, err := os.ReadFile("testdata/before_heartbeat.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *messagesOfBefore) of(t *testing.T, what string) []string {
	t.Helper()
	for _, row := range m.Rows {
		if row.What == what {
			return row.Messages
		}
	}
	t.Fatalf("no messages of %q are recorded", what)
	return nil
}

// upgrading is the session that was recorded.
func upgrading() *session.Session {
	s := newSession()
	s.ID, s.Line = session.ID{1, 2, 3}, session.ID{4, 5, 6}
	return s
}

// During a rolling upgrade, a new gateway hears what one of before ends and
// changes.
func TestNearHearsTheGatewaysOfBefore(t *testing.T) {
	t.Parallel()
	recorded := readMessagesOfBefore(t)
	for _, row := range []struct {
		what string
		nth  int
		hurt bool // what is remembered is asked for again
	}{{"renew", 0, true}, {"replace", 0, true}, {"end", 0, true}, {"end", 1, true}, {"end person", 0, true}, {"heartbeat", 0, false}} {
		message := recorded.of(t, row.what)[row.nth]
		t.Run(row.what+" "+message[:1], func(t *testing.T) {
			t.Parallel()
			client := dial(servers.Standalone(t))
			store := &counted{Store: newRedis(t, client)}
			hears := &heartbeat.Connection{Bus: heartbeat.Redis{Client: client}, Every: time.Second} // a busy machine does not silence it
			n := &session.CachedStore{
				Store: store, Stale: time.Hour, // only a message has it ask again
				Bus: &heartbeat.Channel{Connection: hears, Name: (&session.Redis{}).Channel()},
			}
			n.Start()
			hears.Start()
			t.Cleanup(func() { _, _ = hears.Close(), n.Close() })
			value := mustSave(t, store.Store, upgrading())
			wantSession(t, n, value)
			wantLoads(t, store, 1)
			asked := func() bool {
				if err := client.Publish(t.Context(), recorded.Channel, message).Err(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Millisecond)
				wantSession(t, n, value)
				return store.loads.Load() > 0
			}
			if row.hurt {
				for !asked() { // the subscription may not have begun yet
				}
				return
			}
			for now := time.Now(); !hears.Covers(now, now, 4*time.Second); now = time.Now() {
				time.Sleep(time.Millisecond)
			}
			for range 10 {
				if asked() {
					t.Fatalf("%q of another gateway has a session asked for again", message)
				}
			}
		})
	}
}

// And one of before hears a new one: channel and messages are the same.
func TestNearIsHeardByTheGatewaysOfBefore(t *testing.T) {
	t.Parallel()
	recorded := readMessagesOfBefore(t)
	client := dial(servers.Standalone(t))
	r := newRedis(t, client)
	sub := client.Subscribe(t.Context(), recorded.Channel)
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := upgrading()
	mustSave(t, r, s)
	for _, row := range []struct {
		what string
		do   func() error
	}{
		{"renew", func() error { _, err := r.Renew(t.Context(), s); return err }},
		{"replace", func() error { return r.Replace(t.Context(), s) }},
		{"end", func() error { return r.End(t.Context(), s) }},
		{"end person", func() error { _, err := r.EndPerson(t.Context(), s.Person); return err }},
	} {
		t.Run(row.what, func(t *testing.T) {
			if err := row.do(); err != nil {
				t.Fatal(err)
			}
			want := recorded.of(t, row.what)
			var got []string
			for len(got) < len(want) {
				m, err := sub.ReceiveTimeout(t.Context(), 20*time.Second)
				if err != nil {
					t.Fatalf("published %q, want %q: %s", got, want, err)
				}
				got = append(got, m.(*redis.Message).Payload)
			}
			if !slices.Equal(got, want) {
				t.Errorf("published %q, a gateway of before published %q", got, want)
			}
		})
	}
	if beat := recorded.of(t, "heartbeat")[0]; !strings.HasPrefix(beat, "b") {
		t.Errorf("gateways of before take %q for a heartbeat, and ours begin with b", beat)
	}
}
