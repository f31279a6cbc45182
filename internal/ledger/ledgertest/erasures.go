package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// erasures is about what an erasure leaves in the outbox.
var erasures = []contract{
	{"erased: the notice supersedes what waits, and the dead letters", erasureSupersedes},
	{"erased: the notice names every id", erasureNames},
	{"erased: the last account cancelled does the same", cancellationSupersedes},
	{"erased: what concerns an openid that the notice does not name stays", erasureOfFewerNames},
	{"erased: what is being sent", erasureDuringDelivery},
	{"erased: a target that does not want the notice", erasureUnwanted},
	{"erased: a target that is not configured", erasureUnconfigured},
	{"erased: nothing is told of the person afterwards", erasedIsNotTold},
	{"erased: many events, and many letters of others", erasureOfMany},
	{"erased: while others write and bury", erasureRaces},
}

func (s *subject) erase(t *testing.T, id string) {
	t.Helper()
	if err := s.Ledger.Erase(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// listed returns all events in a target's queue: those that wait, and the dead
// letters.
func (s *subject) listed(t *testing.T, target string) (all []ledger.Delivery) {
	t.Helper()
	waiting, err := s.Ledger.Pending(t.Context(), target, 1000)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := s.Ledger.Dead(t.Context(), target, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return append(waiting, dead...)
}

// wantListed fails unless a target's queue has exactly these, each a kind and
// an openid.
func (s *subject) wantListed(t *testing.T, target string, want ...string) {
	t.Helper()
	var got []string
	for _, d := range s.listed(t, target) {
		got = append(got, strings.TrimSpace(fmt.Sprint(d.Kind, " ", d.OpenID)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", target, got, want)
	}
}

// twoInOne makes a person of two records, with events of both: dead, postponed,
// waiting, and one line behind another.
func twoInOne(t *testing.T, s *subject) ledger.Person {
	t.Helper()
	s.signIn(t, "wxA", "oA", "")
	s.signIn(t, "wxB", "oB", "u")
	for _, d := range s.due(t, crm, later()) {
		s.bury(t, d.ID, "gone") // in two lines, which are joined later
	}
	s.signIn(t, "wxA", "oA", "")
	s.signIn(t, "wxB", "oB", "")
	for _, d := range s.due(t, crm, later()) {
		if err := s.Ledger.Postpone(t.Context(), crm, d.ID, time.Now().Add(time.Hour), "answered 500"); err != nil {
			t.Fatal(err)
		}
	}
	return s.signIn(t, "wxA", "oA", "u") // merged
}

func erasureSupersedes(t *testing.T, s *subject) {
	s.listen()
	other := s.signIn(t, "wxA", "oOther", "uOther")
	s.bury(t, s.due(t, crm, later())[0].ID, "gone")
	s.signIn(t, "wxA", "oOther", "")
	p := twoInOne(t, s)
	s.wantListed(t, crm, "signed_in oOther", "signed_in oOther", "signed_in oA", "signed_in oB", "signed_in oA", "signed_in oB", "merged oA", "signed_in oA")
	s.erase(t, p.Merged[0])
	for range 2 {
		s.wantListed(t, crm, "signed_in oOther", "signed_in oOther", "erased")
		s.counts(t, 1, 2)
		s.Reopen(t)
	}
	if n, err := s.Ledger.Redeliver(t.Context(), crm, ""); n != 2 || err != nil {
		t.Errorf("%d put back, %v", n, err)
	}
	got := s.drain(t, crm)
	if k := kindsOf(got); len(k) != 3 || !slices.Contains(k, ledger.Erased) {
		t.Errorf("delivered %v", k)
	}
	s.wantListed(t, crm) // the notice, too, is gone when it is delivered
	s.same(t, other)
}

func erasureNames(t *testing.T, s *subject) {
	s.listen()
	p := twoInOne(t, s)
	s.erase(t, p.ID)
	one := s.signIn(t, "wxA", "oOnly", "")
	s.drain(t, crm)
	s.erase(t, one.ID)
	for range 2 {
		all := s.listed(t, crm)
		if len(all) != 1 || all[0].Person != one.ID || !slices.Equal(all[0].Accounts, []ledger.AccountID{{AppID: "wxA", OpenID: "oOnly"}}) || all[0].OpenID != "" {
			t.Errorf("of one account: %+v", all)
		}
		s.Reopen(t)
	}
	s.drain(t, crm)
	s.listen()
	p = twoInOne(t, s)
	s.erase(t, p.ID)
	e := s.listed(t, crm)[0].Event
	want := []ledger.AccountID{{AppID: "wxA", OpenID: "oA"}, {AppID: "wxB", OpenID: "oB"}}
	if e.Person != p.ID || !slices.Equal(e.Aliases, p.Merged) || e.UnionID != "u" || len(e.Accounts) != 2 ||
		!slices.Contains(e.Accounts, want[0]) || !slices.Contains(e.Accounts, want[1]) {
		t.Errorf("the notice is %+v", e)
	}
}

func cancellationSupersedes(t *testing.T, s *subject) {
	s.listen()
	p := s.signIn(t, "wxA", "oA", "u")
	s.bury(t, s.due(t, crm, later())[0].ID, "gone")
	s.signIn(t, "wxA", "oA", "")
	w := ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", Account: true, End: true, Until: soon()}
	if got, done := s.withdraw(t, w); !done || got.ID != p.ID {
		t.Errorf("%t, %+v", done, got)
	}
	s.wantListed(t, crm, "cancelled oA", "erased")
	if got := kindsOf(s.drain(t, crm)); !slices.Equal(got, []ledger.EventKind{ledger.Cancelled, ledger.Erased}) {
		t.Errorf("delivered %v", got)
	}
}

// The person no longer has an openid: the notice does not name it (another
// person may have it now), so what the law wants delivered about it stays.
func erasureOfFewerNames(t *testing.T, s *subject) {
	s.listen()
	s.signIn(t, "wxA", "oA", "u")
	p := s.signIn(t, "wxB", "oB", "u")
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxB", OpenID: "oB", Consent: true})
	s.bury(t, s.due(t, crm, later())[0].ID, "gone")
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", Consent: true})
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxB", OpenID: "oB", Account: true})
	s.tell(t, ledger.Event{Kind: ledger.ProfileChanged, Person: p.ID}) // of no openid
	s.erase(t, p.ID)
	s.wantListed(t, crm, "revoked oB", "cancelled oB", "erased")
	s.Reopen(t)
	if got := kindsOf(s.drain(t, crm)); !slices.Equal(got, []ledger.EventKind{ledger.Revoked, ledger.Cancelled, ledger.Erased}) {
		t.Errorf("delivered %v", got)
	}
}

// A sender has taken an event when its person is erased. Whatever becomes of
// the delivery, the event does not come back, and the notice can be sent.
func erasureDuringDelivery(t *testing.T, s *subject) {
	for name, end := range map[string]func(id string) error{
		"sent":      func(id string) error { return s.Ledger.Sent(t.Context(), crm, id) },
		"postponed": func(id string) error { return s.Ledger.Postpone(t.Context(), crm, id, time.Now(), "answered 500") },
		"buried":    func(id string) error { return s.Ledger.Bury(t.Context(), crm, id, "answered 410") },
	} {
		s.listen()
		p := s.signIn(t, "wxA", "o-"+name, "")
		taken := s.due(t, crm, later())[0]
		s.erase(t, p.ID)
		if err := end(taken.ID); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.wantListed(t, crm, "erased")
		if due := s.due(t, crm, later()); len(due) != 1 || due[0].Kind != ledger.Erased || due[0].Attempts != 0 {
			t.Errorf("%s: due %+v", name, due)
		}
		s.drain(t, crm)
	}
}

// Where the notice does not go, the events that the law wants delivered stay.
func erasureUnwanted(t *testing.T, s *subject) {
	others := ledger.Target{Name: crm, Kinds: []ledger.EventKind{ledger.SignedIn, ledger.Linked, ledger.Merged, ledger.Declined, ledger.Revoked, ledger.LoggedOut}}
	s.Ledger.SetTargets([]ledger.Target{others})
	p := twoInOne(t, s)
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", Consent: true})
	s.erase(t, p.ID)
	s.wantListed(t, crm, "merged oA", "revoked oA")
	s.Reopen(t)
	if got := kindsOf(s.drain(t, crm)); !slices.Equal(got, []ledger.EventKind{ledger.Merged, ledger.Revoked}) {
		t.Errorf("delivered %v", got)
	}
}

// A webhook that left the configuration must still learn of the erasure if it
// comes back, and its queue must not keep what it missed.
func erasureUnconfigured(t *testing.T, s *subject) {
	s.listen()
	p := twoInOne(t, s)
	s.Ledger.SetTargets([]ledger.Target{{Name: "other"}})
	q := s.signIn(t, "wxA", "oOther", "")
	s.Reopen(t)
	s.Ledger.SetTargets([]ledger.Target{{Name: "other"}})
	s.erase(t, q.ID)
	s.erase(t, p.ID)
	s.wantListed(t, crm, "erased")
	s.wantListed(t, "other", "erased", "erased")
	s.listen()
	if got := s.drain(t, crm); len(got) != 1 || got[0].Person != p.ID || len(got[0].Accounts) != 2 {
		t.Errorf("delivered %+v", got)
	}
}

func erasedIsNotTold(t *testing.T, s *subject) {
	s.listen()
	p := s.signIn(t, "wxA", "oA", "")
	s.erase(t, p.ID)
	late := ledger.Event{Kind: ledger.LoggedOut, Person: p.ID, AppID: "wxA", OpenID: "oA", Reason: "visitor"}
	if err := s.Ledger.Tell(t.Context(), late); err != nil {
		t.Error(err)
	}
	s.wantListed(t, crm, "erased")
	s.erase(t, s.signIn(t, "wxA", "oA", "").ID) // a new person, whose erasure leaves the notice of the old one
	s.wantListed(t, crm, "erased", "erased")
}

func erasureOfMany(t *testing.T, s *subject) {
	const many = 1500 // more than one page of each store
	s.listen()
	p := s.signIn(t, "wxA", "oA", "")
	for i := range many {
		e := ledger.Event{Kind: ledger.Declined, AppID: "wxA", OpenID: fmt.Sprint("o", i)}
		if i%3 == 0 {
			e.Person, e.OpenID = p.ID, "oA"
		}
		if err := s.Ledger.Tell(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 { // one of the person's and all others'
		for _, d := range s.due(t, crm, later()) {
			s.bury(t, d.ID, "gone")
		}
	}
	s.erase(t, p.ID)
	s.counts(t, 1, many-many/3)
	for after := ""; ; {
		page := s.dead(t, after, 1000)
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			if d.Person == p.ID || d.OpenID == "oA" {
				t.Fatalf("left: %+v", d)
			}
		}
		after = page[len(page)-1].ID
	}
}

// Persons sign in, their events are buried and sent again, and they are erased,
// all at once: nothing of an erased person is left but the notice.
func erasureRaces(t *testing.T, s *subject) {
	const people = 8
	s.listen()
	var persons []ledger.Person
	for i := range people {
		persons = append(persons, s.signIn(t, "wxA", fmt.Sprint("o", i), ""))
	}
	var work sync.WaitGroup
	stop := make(chan struct{})
	work.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			due, _, err := s.Ledger.Due(t.Context(), crm, later(), 100)
			if err != nil {
				t.Error(err)
				return
			}
			for i, d := range due {
				if d.Kind == ledger.Erased {
					continue
				}
				if (i+n)%2 == 0 {
					err = s.Ledger.Bury(t.Context(), crm, d.ID, "gone")
				} else {
					err = s.Ledger.Postpone(t.Context(), crm, d.ID, time.Now(), "answered 500")
				}
				if err != nil {
					t.Error(err)
				}
			}
			if n%3 == 0 {
				if _, err := s.Ledger.Redeliver(t.Context(), crm, ""); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var erasers sync.WaitGroup
	for i, p := range persons {
		erasers.Go(func() {
			for range 5 {
				err := s.Ledger.Tell(t.Context(), ledger.Event{Kind: ledger.LoggedOut, Person: p.ID, AppID: "wxA", OpenID: fmt.Sprint("o", i), Reason: "visitor"})
				if err != nil {
					t.Error(err)
				}
			}
			if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
				t.Error(err)
			}
		})
	}
	erasers.Wait()
	close(stop)
	work.Wait()
	s.wantListed(t, crm, slices.Repeat([]string{"erased"}, people)...)
}
