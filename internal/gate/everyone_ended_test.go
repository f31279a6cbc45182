package gate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// An operator ends all sessions of everyone: those of persons and of guests, at
// the next request and after a restart. Sign-ins afterwards work at once.
func TestEveryoneEnded(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]struct{ guest bool }{"persons": {false}, "guests": {true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), rules(snapshotGuest))
			if kind.guest {
				w.weChat.answer(virtual)
			}
			alice, bob := w.browser("alice"), w.browser("bob")
			values := map[*browser]string{}
			for _, b := range []*browser{alice, bob} {
				b.open("/").last().upstream()
				values[b] = b.session()
			}
			now := time.Now()
			if err := w.ledger.EndPerson(t.Context(), ledger.Everyone, now, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				for b, value := range values {
					b.plant("/", "__Host-wechat", value)
					if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
						t.Errorf("an ended session passes: %d", h.status)
					}
				}
				w.reload() // what a restart leaves
			}
			alice.open("/").last().upstream() // in the same second
			if h := alice.script(http.MethodGet, "/"); h.status != http.StatusOK {
				t.Errorf("the new session does not pass: %d", h.status)
			}
		})
	}
}

// Open sockets, event streams and downloads of everyone end soon.
func TestEveryoneEndedCutsStreams(t *testing.T) {
	t.Parallel()
	w, over := streaming(t)
	open := 0
	for _, person := range []string{"alice", "bob"} {
		b := w.browser(person)
		b.open("/")
		for kind := range streams {
			b.stream(kind)
			open++
		}
	}
	if kind, cut := within(over, 900*time.Millisecond); cut {
		t.Fatalf("%s was cut although the session lives", kind)
	}
	end := time.Now()
	if err := w.ledger.EndPerson(t.Context(), ledger.Everyone, end, end.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for ; open > 0; open-- {
		if _, cut := within(over, time.Until(end.Add(cutPatience))); !cut {
			t.Fatalf("%s after the end %d streams run", cutPatience, open)
		}
	}
}
