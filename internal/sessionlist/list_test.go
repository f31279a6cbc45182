package sessionlist_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/sessionlist"
	"github.com/caddy-wechat/gateway/session"
)

var shop = session.Binding{Site: "https://shop.example.com", AppID: "wx1"}

func newSession(person string) *session.Session {
	return session.New(shop, person, "oSecret", session.ScopeBase)
}

func never(*session.Session) bool { return false }

// What passes through the store is listed for its person, without the openid,
// until it ends.
func TestStoreNotes(t *testing.T) {
	t.Parallel()
	var list sessionlist.List
	ring, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	ended := map[[16]byte]bool{}
	store := sessionlist.Store{Store: session.Sealed{Keys: ring, Tombstones: tombstones(ended)}, List: &list, Withdrawn: ring.Withdrawn}
	s := newSession("alice")
	value, err := store.Save(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for name, note := range map[string]func() error{
		"saved":   func() error { list.Note(s, 0); return nil },
		"loaded":  func() error { _, err := store.Load(t.Context(), value, shop); return err },
		"renewed": func() error { _, err := store.Renew(t.Context(), s); return err },
	} {
		if err := note(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := list.Of("alice", 0, never)
		if len(all) != 1 || all[0].ID != s.ID || all[0].OpenID != "" || !all[0].Renewed.Equal(s.Renewed) || all[0].Site != shop.Site {
			t.Errorf("%s: listed %+v", name, all)
		}
		found, ok, err := list.Find(sessionlist.Name(s))
		if err != nil || !ok || found.ID != s.ID {
			t.Errorf("%s: found %t, %v", name, ok, err)
		}
		list.ForgetPerson("alice")
	}
	if _, err := store.Load(t.Context(), value+"x", shop); !errors.Is(err, session.ErrNone) || list.Len() != 0 {
		t.Errorf("an invalid value: %v, %d listed", err, list.Len())
	}
	if _, err := store.Save(t.Context(), newSession("bob")); err != nil {
		t.Fatal(err)
	}
	list.Note(s, 0)
	if err := store.End(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := list.Find(sessionlist.Name(s)); ok || len(ended) != 1 || list.Len() != 1 {
		t.Errorf("after its end: listed %t, %d ended, %d listed", ok, len(ended), list.Len())
	}
}

type tombstones map[[16]byte]bool

func (g tombstones) EndSession(_ context.Context, id [16]byte, _ time.Time) error {
	g[id] = true
	return nil
}

func (g tombstones) Ended(id [16]byte) bool { return g[id] }

// What is over, or sealed by a withdrawn key, is not listed.
func TestOf(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		keys uint64
		over func(*session.Session) bool
		want int
	}{
		"valid":           {keys: 3, over: never, want: 1},
		"over":            {keys: 3, over: func(*session.Session) bool { return true }},
		"a withdrawn key": {keys: 4, over: never},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list sessionlist.List
			list.Note(newSession("alice"), 3)
			list.Note(newSession("bob"), 3)
			if all := list.Of("alice", row.keys, row.over); len(all) != row.want || list.Len() != 1+row.want {
				t.Errorf("%d listed, want %d; %d in all", len(all), row.want, list.Len())
			}
		})
	}
}

// Attack: one visitor signs in again and again, or many do, until the memory is
// full or everybody else is forgotten.
func TestAttackSeenIsBounded(t *testing.T) {
	t.Parallel()
	var list sessionlist.List
	bob := newSession("bob")
	list.Note(bob, 0)
	for range 1000 {
		list.Note(newSession("alice"), 0)
	}
	if n := list.Len(); n != 65 {
		t.Errorf("%d sessions after one person's flood, want 65", n)
	}
	for i := range 40_000 {
		if i%1000 == 0 {
			list.Note(bob, 0) // seen again: not the oldest
		}
		list.Note(newSession(fmt.Sprint("p", i)), 0)
	}
	if n := list.Len(); n != 32_768 {
		t.Errorf("%d sessions, want 32768", n)
	}
	if _, ok, _ := list.Find(sessionlist.Name(bob)); !ok {
		t.Error("a session that was seen lately is forgotten")
	}
	if all := list.Of("alice", 0, never); len(all) != 0 {
		t.Errorf("%d that were not seen for long", len(all))
	}
}

func TestFindRefusesOddNames(t *testing.T) {
	t.Parallel()
	var list sessionlist.List
	guest := newSession("")
	list.Note(guest, 0)
	if _, ok, err := list.Find(sessionlist.Name(guest)); ok || err != nil {
		t.Errorf("a guest: %t, %v", ok, err)
	}
	for _, odd := range []string{"", "x", strings.Repeat("*", 19), strings.Repeat("a", 20), strings.Repeat("A", 18) + "B", "\x00"} {
		if _, _, err := list.Find(odd); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%q: %v", odd, err)
		}
	}
}
