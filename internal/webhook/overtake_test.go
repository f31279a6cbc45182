package webhook

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// A person is erased while an older event of theirs is being sent. The notice
// of the erasure waits for the end of that delivery, whichever of the person's
// ids the event names; events of others do not.
func TestErasureDoesNotOvertake(t *testing.T) {
	for name, row := range map[string]struct {
		sending func(e *ledger.Event)
		status  int
	}{
		"under the person's id, accepted":  {func(*ledger.Event) {}, http.StatusNoContent},
		"under the person's id, refused":   {func(*ledger.Event) {}, http.StatusInternalServerError},
		"under an id of before the merger": {func(e *ledger.Event) { e.Person = testFormer }, http.StatusNoContent},
		"of an openid that left":           {func(e *ledger.Event) { e.Person, e.From = ledger.NewID(), testUser }, http.StatusNoContent},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := &box{}
				r := newReceiver(t, func(c call, _ int) (int, http.Header) {
					if c.id == eventID(1) {
						return row.status, nil
					}
					return http.StatusNoContent, nil
				})
				r.takes = 10 * time.Second
				old := ledger.Event{ID: eventID(1), Kind: ledger.SignedIn, Person: testUser, AppID: testAppID, OpenID: testOpenID, At: testAt}
				row.sending(&old)
				b.put(old)
				end := start(t, newSender(b, r, "a"))
				defer end()
				time.Sleep(5 * time.Second) // the old event is being sent
				b.mu.Lock()
				b.waiting = nil // as an erasure removes it
				b.mu.Unlock()
				b.put(
					ledger.Event{ID: eventID(2), Kind: ledger.Erased, Person: testUser, Aliases: []string{testFormer}, At: testAt},
					ledger.Event{ID: eventID(3), Kind: ledger.SignedIn, Person: ledger.NewID(), At: testAt},
				)
				time.Sleep(time.Minute)
				synctest.Wait()
				began := map[string]time.Time{}
				for _, c := range r.seen() {
					began[c.id] = c.at
				}
				if ids := r.ids(); !slices.Equal(ids, []string{eventID(1), eventID(3), eventID(2)}) {
					t.Errorf("sent %v", ids)
				}
				if wait := began[eventID(2)].Sub(began[eventID(1)]); wait < r.takes {
					t.Errorf("the notice was sent %v after the old event began, which took %v", wait, r.takes)
				}
				if waiting, dead := b.left(); len(waiting)+len(dead) != 0 {
					t.Errorf("left: %v %v", waiting, dead)
				}
			})
		})
	}
}

// Old dead letters are removed at the start and each hour, also while no event
// comes, and whether or not the store answers.
func TestExpiresDeadLetters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &box{}
		b.broken = func(method string) error {
			if method == "expire" {
				return ledger.ErrUnavailable
			}
			return nil
		}
		end := start(t, newSender(b, newReceiver(t, accept), "a"))
		time.Sleep(3*time.Hour + time.Minute)
		end()
		if b.expired != 4 {
			t.Errorf("asked %d times in three hours", b.expired)
		}
	})
}
