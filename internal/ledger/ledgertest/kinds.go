package ledgertest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// bounds is about the events that a full outbox drops: never events of another
// kind.
var bounds = []contract{
	{"outbox: a flood of one kind pushes no other kind out", floodWaiting},
	{"outbox: a flood of dead letters of one kind pushes no other kind out", floodDead},
	{"outbox: dead letters that come back into a full queue push no other kind out", floodRedelivered},
	{"outbox: each kind gives up its own oldest", oldestOfTheKind},
}

// others are the kinds that notices adds to the outbox.
var others = []ledger.EventKind{
	ledger.SignedIn, ledger.Linked, ledger.Revoked, ledger.ProfileChanged, ledger.LoggedOut, ledger.Cancelled, ledger.Erased,
}

// notices adds one event of each other kind to the outbox, all of one person
// but the erasure, which removes those of its own.
func notices(t *testing.T, s *subject) {
	t.Helper()
	s.signIn(t, "wxA", "oA", "u")
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", Consent: true})
	withdraw := func(kind ledger.EventKind, appID, openID string, account bool) ledger.Person {
		t.Helper()
		p, done := s.withdraw(t, ledger.Withdrawal{Kind: kind, AppID: appID, OpenID: openID, Consent: true, Account: account})
		if !done {
			t.Fatalf("%s: not done", kind)
		}
		return p
	}
	p := withdraw(ledger.Revoked, "wxB", "oB", false)
	s.tell(t, ledger.Event{Kind: ledger.ProfileChanged, Person: p.ID})
	s.tell(t, ledger.Event{Kind: ledger.LoggedOut, Person: p.ID, Reason: "visitor"})
	withdraw(ledger.Cancelled, "wxB", "oB", true)
	s.erase(t, s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oErased"}).ID)
}

func (s *subject) tell(t *testing.T, e ledger.Event) {
	t.Helper()
	if err := s.Ledger.Tell(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// decline adds n events that a visitor can cause.
func (s *subject) decline(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		s.tell(t, ledger.Event{Kind: ledger.Declined, AppID: fmt.Sprint("wx", i), Reason: "wechat"})
	}
}

// hold fails unless the events are one of each other kind, and n declined.
func hold(t *testing.T, what string, all []ledger.Event, n int) {
	t.Helper()
	got := kindsOf(all)
	declined := len(got)
	got = slices.DeleteFunc(got, func(k ledger.EventKind) bool { return k == ledger.Declined })
	want := slices.Sorted(slices.Values(others))
	slices.Sort(got)
	if declined -= len(got); !slices.Equal(got, want) || declined != n {
		t.Errorf("%s: %v and %d declined, want %v and %d", what, got, declined, want, n)
	}
}

func eventsOf(all []ledger.Delivery) (events []ledger.Event) {
	for _, d := range all {
		events = append(events, d.Event)
	}
	return events
}

func floodWaiting(t *testing.T, s *subject) {
	s.listen()
	s.Limit(5, 3)
	notices(t, s)
	s.decline(t, 40)
	s.counts(t, len(others)+5, 3)
	hold(t, "waiting", s.drain(t, crm), 5)
	var names []string
	for _, d := range s.dead(t, "", 9) {
		names = append(names, string(d.Kind)+" "+d.AppID)
	}
	slices.Sort(names)
	if want := []string{"declined wx32", "declined wx33", "declined wx34"}; !slices.Equal(names, want) {
		t.Errorf("dead: %v, want %v", names, want)
	}
}

// buryAll turns all waiting events into dead letters.
func (s *subject) buryAll(t *testing.T) {
	t.Helper()
	for due := s.due(t, crm, later()); len(due) > 0; due = s.due(t, crm, later()) {
		for _, d := range due {
			s.bury(t, d.ID, "410 Gone")
		}
	}
}

// deadOnes returns the dead letters, oldest first. Those of one millisecond are
// in the order in which their events were queued.
func (s *subject) deadOnes(t *testing.T) []ledger.Event {
	t.Helper()
	all := s.dead(t, "", 1000)
	slices.Reverse(all)
	return eventsOf(all)
}

func floodDead(t *testing.T, s *subject) {
	s.listen()
	s.Limit(50, 3)
	notices(t, s)
	s.buryAll(t)
	hold(t, "before", s.deadOnes(t), 0)
	for range 4 {
		s.decline(t, 10)
		s.buryAll(t)
	}
	s.counts(t, 0, len(others)+3)
	hold(t, "dead", s.deadOnes(t), 3)
	s.Reopen(t)
	hold(t, "dead, reopened", s.deadOnes(t), 3)
}

func floodRedelivered(t *testing.T, s *subject) {
	s.listen()
	s.Limit(5, 9)
	notices(t, s)
	s.decline(t, 4)
	s.buryAll(t)
	hold(t, "dead", s.deadOnes(t), 4)
	s.decline(t, 5) // the queue of this kind is full now
	for _, want := range []int{len(others), 0} {
		if n, err := s.Ledger.Redeliver(t.Context(), crm, ""); n != want || err != nil {
			t.Errorf("%d put back, %v, want %d", n, err, want)
		}
	}
	s.counts(t, len(others)+5, 4)
	left := s.dead(t, "", 9)
	for _, d := range left {
		if d.Kind != ledger.Declined || d.Reason != "410 Gone" {
			t.Errorf("not put back: %+v", d)
		}
	}
	if n, err := s.Ledger.Redeliver(t.Context(), crm, left[0].ID); n != 0 || err != nil {
		t.Errorf("one of the full kind: %d put back, %v", n, err)
	}
	hold(t, "waiting", s.drain(t, crm), 5)
	if n, err := s.Ledger.Redeliver(t.Context(), crm, ""); n != 4 || err != nil {
		t.Errorf("there is room again: %d put back, %v", n, err)
	}
	s.counts(t, 4, 0)
}

func oldestOfTheKind(t *testing.T, s *subject) {
	s.listen()
	s.Limit(2, 9)
	one := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oTold"})
	for i := range 4 {
		s.decline(t, 1)
		s.tell(t, ledger.Event{Kind: ledger.LoggedOut, Person: one.ID, Reason: fmt.Sprint(i)})
		s.signIn(t, "wxA", fmt.Sprint("o", i), "")
	}
	s.counts(t, 6, 6)
	s.Reopen(t)
	s.Limit(2, 9)
	s.listen()
	s.signIn(t, "wxA", "o4", "")
	var got []string
	for _, e := range s.drain(t, crm) {
		if e.Kind != ledger.Declined {
			got = append(got, string(e.Kind)+" "+e.OpenID+e.Reason)
		}
	}
	slices.Sort(got)
	if want := []string{"logged_out 2", "logged_out 3", "signed_in o3", "signed_in o4"}; !slices.Equal(got, want) {
		t.Errorf("waiting: %v, want %v", got, want)
	}
	s.counts(t, 0, 7)
}
