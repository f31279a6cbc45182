package gate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// An operator ends all sessions of a person: the identity at hand counts no more
// at the next request, on every site, whatever was remembered. Nobody else is
// touched, and the person may sign in again.
func TestPersonEnded(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	phone, tablet, other := w.browser("alice"), w.browser("alice"), w.browser("bob")
	person := phone.open("/").last().upstream().Header.Get("X-Wechat-User")
	for _, b := range []*browser{tablet, other} {
		b.open("/").last().upstream()
	}
	value, now := phone.session(), time.Now()
	if err := w.ledger.EndPerson(t.Context(), person, now, now.Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*browser{"phone": phone, "tablet": tablet} {
		if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("%s: an ended session passes: %d", name, h.status)
		}
	}
	if h := other.script(http.MethodGet, "/"); h.status != http.StatusOK {
		t.Errorf("somebody else was signed out: %d", h.status)
	}
	w.reload() // what a restart leaves: the same, from the store
	phone.plant("/", "__Host-wechat", value)
	if h := phone.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("a copy of the cookie passes: %d", h.status)
	}
	time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second)))
	if got := phone.open("/").last().upstream().Header.Get("X-Wechat-User"); got != person {
		t.Errorf("signed in again as %q, want %q", got, person)
	}
	if h := phone.script(http.MethodGet, "/"); h.status != http.StatusOK {
		t.Errorf("the new session does not pass: %d", h.status)
	}
}
