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

// outbox is about the events that are queued, and the order of their delivery.
var outbox = []contract{
	{"outbox: an event is queued for each target that wants it, and for no other", wanted},
	{"outbox: sign-ins are told, also if nothing else changes", signIns},
	{"outbox: in order for each person, and no person holds up another", inOrder},
	{"outbox: a merge makes one line of two", mergedLines},
	{"outbox: a merge with what was postponed", mergedPostponed},
	{"outbox: what waits survives reopening and a target that goes", outboxSurvives},
}

const crm = "crm"

// listen makes crm a target of all events from now on.
func (s *subject) listen() { s.Ledger.SetTargets([]ledger.Target{{Name: crm}}) }

// later is a time at which every event is due that was not postponed.
func later() time.Time { return time.Now().Add(time.Second) }

func (s *subject) due(t *testing.T, target string, now time.Time) []ledger.Delivery {
	t.Helper()
	due, _, err := s.Ledger.Due(t.Context(), target, now, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

func (s *subject) sent(t *testing.T, target, id string) {
	t.Helper()
	if err := s.Ledger.Sent(t.Context(), target, id); err != nil {
		t.Fatal(err)
	}
}

// drain delivers all waiting events, and returns them.
func (s *subject) drain(t *testing.T, target string) (all []ledger.Event) {
	t.Helper()
	ids := map[string]bool{}
	for due := s.due(t, target, later()); len(due) > 0; due = s.due(t, target, later()) {
		for _, d := range due {
			if len(d.ID) != 26 || ids[d.ID] {
				t.Errorf("an event has the id %q", d.ID)
			}
			ids[d.ID] = true
			all = append(all, d.Event)
			s.sent(t, target, d.ID)
		}
	}
	if n, dead, err := s.Ledger.Waiting(t.Context(), target); n != 0 || err != nil {
		t.Errorf("%d wait and are never due, %d dead, %v", n, dead, err)
	}
	return all
}

// told fails unless exactly these events were queued for crm since the last
// call.
func (s *subject) told(t *testing.T, want ...ledger.Event) {
	t.Helper()
	got := s.drain(t, crm)
	for i := range got {
		got[i].ID = ""
	}
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("events %+v, want %+v", got, want)
	}
}

func (s *subject) signIn(t *testing.T, appID, openID, unionID string) ledger.Person {
	t.Helper()
	return s.see(t, ledger.Observation{AppID: appID, OpenID: openID, UnionID: unionID, SignedIn: true, Scope: "snsapi_base"})
}

func kindsOf(all []ledger.Event) (kinds []ledger.EventKind) {
	for _, e := range all {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func wanted(t *testing.T, s *subject) {
	s.signIn(t, "wxA", "oA", "u")
	s.Ledger.SetTargets([]ledger.Target{
		{Name: "all"},
		{Name: "links", Kinds: []ledger.EventKind{ledger.Linked, ledger.Erased}},
		{Name: "none", Kinds: []ledger.EventKind{"unheard_of"}},
		{Name: "../bad"},
		{Name: ""},
		{Name: "all"},
	})
	p := s.signIn(t, "wxB", "oB", "u")
	s.Ledger.SetTargets(nil)
	s.signIn(t, "wxC", "oC", "u")
	for target, want := range map[string][]ledger.EventKind{
		"all": {ledger.Linked, ledger.SignedIn}, "links": {ledger.Linked}, "none": nil, "never-heard-of": nil,
	} {
		got := s.drain(t, target)
		if !slices.Equal(kindsOf(got), want) {
			t.Errorf("%s heard %+v, want %v", target, got, want)
		}
		for _, e := range got {
			if e.Person != p.ID || e.AppID != "wxB" || e.OpenID != "oB" {
				t.Errorf("%s heard %+v", target, e)
			}
		}
	}
}

func signIns(t *testing.T, s *subject) {
	s.listen()
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	s.told(t)
	in := ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(1), SignedIn: true, Scope: "snsapi_userinfo"}
	want := ledger.Event{
		Kind: ledger.SignedIn, Person: p.ID, AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(1), Scope: "snsapi_userinfo",
	}
	for range 2 { // a second sign-in within a second is another event
		if q := s.see(t, in); q.Version != p.Version || !q.LastSeen.Equal(at(0)) {
			t.Errorf("a sign-in that brings nothing new made %+v of %+v", q, p)
		}
		s.told(t, want)
	}
	in.SignedIn = false
	s.see(t, in)
	s.told(t)
	in.Scope = "a b"
	_, err := s.Ledger.Observe(t.Context(), in)
	wantErr(t, "a bad scope", err, ledger.ErrInvalid)
}

func inOrder(t *testing.T, s *subject) {
	s.listen()
	for i := range 6 {
		s.signIn(t, "wxA", fmt.Sprint("o", i%2), "") // 0 1 0 1 0 1
	}
	now := later()
	due := s.due(t, crm, now)
	if len(due) != 2 || due[0].OpenID != "o0" || due[1].OpenID != "o1" {
		t.Fatalf("due: %+v", due)
	}
	if one, _, err := s.Ledger.Due(t.Context(), crm, now, 1); err != nil || len(one) != 1 || one[0].ID != due[0].ID {
		t.Errorf("the oldest is not first: %+v, %v", one, err)
	}
	// 0 fails for an hour; 1 goes on
	retry := now.Add(time.Hour)
	first := due[0]
	if err := s.Ledger.Postpone(t.Context(), crm, first.ID, retry, "500\n"+strings.Repeat("x", 300)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, next, err := s.Ledger.Due(t.Context(), crm, now, 9)
		if err != nil || len(got) != 1 || got[0].OpenID != "o1" || next.After(retry.Add(time.Millisecond)) || next.Before(retry.Add(-time.Millisecond)) {
			t.Fatalf("due %+v, next %v, %v", got, next, err)
		}
		s.sent(t, crm, got[0].ID)
	}
	if got, next, err := s.Ledger.Due(t.Context(), crm, now, 9); err != nil || len(got) != 0 || next.IsZero() {
		t.Errorf("due %+v, next %v, %v", got, next, err)
	}
	if n, _, err := s.Ledger.Waiting(t.Context(), crm); n != 3 || err != nil {
		t.Errorf("%d wait, want 3: %v", n, err)
	}
	s.Reopen(t)
	got := s.due(t, crm, retry.Add(time.Second))
	if len(got) != 1 || got[0].ID != first.ID || got[0].Attempts != 1 || len(got[0].Reason) != 256 || !strings.HasPrefix(got[0].Reason, "500?x") {
		t.Fatalf("after an hour: %+v", got)
	}
	if d := got[0]; d.First.Sub(first.First) < 0 || d.First.After(now) || d.Next.Sub(retry).Abs() > time.Millisecond {
		t.Errorf("first %v, next %v", d.First, d.Next)
	}
	s.sent(t, crm, first.ID)
	s.sent(t, crm, first.ID) // the second time must succeed too
	if got := s.drain(t, crm); len(got) != 2 {
		t.Errorf("then %+v", got)
	}
	if due, next, err := s.Ledger.Due(t.Context(), crm, later(), 9); len(due) != 0 || !next.IsZero() || err != nil {
		t.Errorf("nothing waits: %+v, %v, %v", due, next, err)
	}
}

func mergedLines(t *testing.T, s *subject) {
	s.listen()
	a := s.signIn(t, "wxA", "oA", "")
	b := s.signIn(t, "wxB", "oB", "u")
	s.signIn(t, "wxB", "oB", "")
	s.signIn(t, "wxA", "oA", "")
	p := s.signIn(t, "wxA", "oA", "u") // merged: one of a and b is gone
	s.signIn(t, "wxA", "oA", "")
	if p.ID != a.ID && p.ID != b.ID {
		t.Fatal(p.ID)
	}
	var got []string
	for {
		due := s.due(t, crm, later())
		if len(due) == 0 {
			break
		}
		if len(due) != 1 {
			t.Fatalf("two of one person are due: %+v", due)
		}
		got = append(got, string(due[0].Kind)+" "+due[0].OpenID)
		s.sent(t, crm, due[0].ID)
	}
	want := []string{"signed_in oA", "signed_in oB", "signed_in oB", "signed_in oA", "merged oA", "signed_in oA", "signed_in oA"}
	if !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

// mergedPostponed: the merged person had an event that cannot be delivered.
// Later events of the remaining person wait for it.
func mergedPostponed(t *testing.T, s *subject) {
	s.listen()
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", SignedIn: true, At: at(5)})
	s.signIn(t, "wxA", "oA", "")
	retry := time.Now().Add(time.Hour)
	for _, d := range s.due(t, crm, later()) {
		if d.Person == b.ID {
			if err := s.Ledger.Postpone(t.Context(), crm, d.ID, retry, "down"); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(6)})
	if due := s.due(t, crm, later()); len(due) != 0 {
		t.Errorf("the oldest of the line waits, but %+v is due", due)
	}
	var got []ledger.Event
	for due := s.due(t, crm, retry.Add(time.Second)); len(due) > 0; due = s.due(t, crm, retry.Add(time.Second)) {
		got = append(got, due[0].Event)
		s.sent(t, crm, due[0].ID)
	}
	if k := kindsOf(got); !slices.Equal(k, []ledger.EventKind{ledger.SignedIn, ledger.SignedIn, ledger.Merged}) || got[0].Person != b.ID {
		t.Errorf("delivered %+v", got)
	}
}

func outboxSurvives(t *testing.T, s *subject) {
	s.listen()
	s.signIn(t, "wxA", "oA", "")
	s.signIn(t, "wxA", "oB", "")
	want := s.due(t, crm, later())
	s.Ledger.SetTargets([]ledger.Target{{Name: "other"}})
	s.signIn(t, "wxA", "oC", "")
	s.Reopen(t)
	s.signIn(t, "wxA", "oD", "") // there is no target yet
	if got := s.due(t, crm, later()); len(got) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := s.drain(t, "other"); len(got) != 1 || got[0].OpenID != "oC" {
		t.Errorf("the other one heard %+v", got)
	}
}
