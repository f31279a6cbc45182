package ledgertest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// letters is about what an operator sees of a queue, and removes from it.
var letters = []contract{
	{"outbox: the waiting events are listed in their order", pending},
	{"outbox: one event is shown, waiting or dead", letter},
	{"outbox: dead letters are purged, and nothing else", purge},
	{"outbox: many dead letters are purged", purgeMany},
}

func (s *subject) pending(t *testing.T, limit int) []ledger.Delivery {
	t.Helper()
	all, err := s.Ledger.Pending(t.Context(), crm, limit)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *subject) purge(t *testing.T, id string, want int) {
	t.Helper()
	if n, err := s.Ledger.Purge(t.Context(), crm, id); n != want || err != nil {
		t.Errorf("%d purged, %v, want %d", n, err, want)
	}
}

func openIDsOf(all []ledger.Delivery) (names []string) {
	for _, d := range all {
		names = append(names, d.OpenID)
	}
	return names
}

func pending(t *testing.T, s *subject) {
	if all := s.pending(t, 9); len(all) != 0 {
		t.Errorf("no target: %+v", all)
	}
	s.listen()
	for i := range 6 {
		s.signIn(t, "wxA", fmt.Sprint("o", i%3), "") // 0 1 2 0 1 2
	}
	due := s.due(t, crm, later())
	retry := time.Now().Add(time.Hour)
	if err := s.Ledger.Postpone(t.Context(), crm, due[0].ID, retry, "answered 500"); err != nil {
		t.Fatal(err)
	}
	s.sent(t, crm, due[1].ID)
	s.bury(t, due[2].ID, "gone")
	for range 2 {
		all := s.pending(t, 9)
		if got := openIDsOf(all); !slices.Equal(got, []string{"o0", "o0", "o1", "o2"}) {
			t.Fatalf("%v wait", got)
		}
		if d := all[0]; d.ID != due[0].ID || d.Attempts != 1 || d.Reason != "answered 500" || d.Next.Sub(retry).Abs() > time.Millisecond {
			t.Errorf("the postponed one: %+v", d)
		}
		if d := all[1]; d.Attempts != 0 || d.Reason != "" || d.Kind != ledger.SignedIn {
			t.Errorf("the one behind it: %+v", d)
		}
		if got := openIDsOf(s.pending(t, 2)); !slices.Equal(got, []string{"o0", "o0"}) {
			t.Errorf("at most two: %v", got)
		}
		s.Reopen(t)
	}
}

func letter(t *testing.T, s *subject) {
	s.listen()
	for i := range 3 {
		s.signIn(t, "wxA", fmt.Sprint("o", i), "")
	}
	due := s.due(t, crm, later())
	s.bury(t, due[0].ID, "gone")
	if err := s.Ledger.Postpone(t.Context(), crm, due[1].ID, later(), "answered 500"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for i, want := range []struct {
			dead     bool
			attempts int
			reason   string
		}{{true, 1, "gone"}, {false, 1, "answered 500"}, {false, 0, ""}} {
			d, dead, err := s.Ledger.Letter(t.Context(), crm, due[i].ID)
			if err != nil || dead != want.dead || d.Attempts != want.attempts || d.Reason != want.reason || !reflect.DeepEqual(d.Event, due[i].Event) {
				t.Errorf("%d: %+v, %t, %v; want %+v", i, d, dead, err, want)
			}
		}
		s.Reopen(t)
	}
	s.sent(t, crm, due[2].ID)
	for _, id := range []string{due[2].ID, anID, "", "x", strings.Repeat("x", 1<<16)} {
		_, _, err := s.Ledger.Letter(t.Context(), crm, id)
		wantErr(t, "an unknown event", err, ledger.ErrNotFound)
	}
	_, _, err := s.Ledger.Letter(t.Context(), "never-heard-of", due[0].ID)
	wantErr(t, "an unknown target", err, ledger.ErrNotFound)
}

func purge(t *testing.T, s *subject) {
	s.purge(t, "", 0)
	s.listen()
	for i := range 4 {
		s.signIn(t, "wxA", fmt.Sprint("o", i), "")
	}
	due := s.due(t, crm, later())
	for _, d := range due[:3] {
		s.bury(t, d.ID, "no")
	}
	s.purge(t, due[3].ID, 0) // it waits
	s.purge(t, anID, 0)
	s.purge(t, "x", 0)
	s.purge(t, due[1].ID, 1)
	s.purge(t, due[1].ID, 0)
	s.counts(t, 1, 2)
	if n, err := s.Ledger.Redeliver(t.Context(), crm, due[1].ID); n != 0 || err != nil {
		t.Errorf("a purged letter came back: %d, %v", n, err)
	}
	s.Reopen(t)
	s.counts(t, 1, 2)
	s.purge(t, "", 2)
	s.counts(t, 1, 0)
	if got := s.due(t, crm, later()); len(got) != 1 || got[0].ID != due[3].ID {
		t.Errorf("due: %+v", got)
	}
}

func purgeMany(t *testing.T, s *subject) {
	const many = 1234 // more than two steps
	s.listen()
	for i := range many {
		if err := s.Ledger.Tell(t.Context(), ledger.Event{Kind: ledger.Declined, AppID: "wxA", OpenID: fmt.Sprint("o", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for due := s.due(t, crm, later()); len(due) > 0; due = s.due(t, crm, later()) {
		for _, d := range due {
			s.bury(t, d.ID, "no")
		}
	}
	s.counts(t, 0, many)
	s.purge(t, "", many)
	s.counts(t, 0, 0)
}
