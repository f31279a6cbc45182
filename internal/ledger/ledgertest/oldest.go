package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// waitingLongest is about the event that waits longest.
var waitingLongest = []contract{{"outbox: the one that waits longest", oldest}}

func oldest(t *testing.T, s *subject) {
	want := func(what string, want time.Time) {
		t.Helper()
		got, err := s.Ledger.Oldest(t.Context(), crm)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	want("no target", time.Time{})
	s.listen()
	want("no event", time.Time{})
	for i := range 3 {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), At: at(0)})
		if err := s.Ledger.Tell(t.Context(), ledger.Event{Kind: ledger.LoggedOut, Person: p.ID, AppID: "wxA", OpenID: p.Accounts[0].OpenID, At: at(10 + i), Reason: "visitor"}); err != nil {
			t.Fatal(err)
		}
	}
	want("three events", at(10))
	due := s.due(t, crm, later())
	if len(due) != 3 {
		t.Fatalf("due: %+v", due)
	}
	if err := s.Ledger.Postpone(t.Context(), crm, due[0].ID, later().Add(time.Hour), "503"); err != nil {
		t.Fatal(err)
	}
	want("the oldest is tried again in an hour", at(10))
	s.Reopen(t)
	want("after a restart", at(10))
	s.sent(t, crm, due[0].ID)
	want("the first is delivered", at(11))
	if err := s.Ledger.Bury(t.Context(), crm, due[1].ID, "410"); err != nil {
		t.Fatal(err)
	}
	want("the second is a dead letter", at(12))
	s.sent(t, crm, due[2].ID)
	want("all are delivered", time.Time{})
	_, err := s.Ledger.Oldest(t.Context(), "No Target!")
	wantErr(t, "a bad name", err, ledger.ErrInvalid)
}
