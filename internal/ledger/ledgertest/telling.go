package ledgertest

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// telling is about events that come from outside, or belong to an erasure.
var telling = []contract{
	{"outbox: told by hand", tell},
	{"outbox: what must not be told", tellInvalid},
}

func tell(t *testing.T, s *subject) {
	id := func(c string) string { return strings.Repeat(c, 26) }
	told := func(e ledger.Event) {
		t.Helper()
		if err := s.Ledger.Tell(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	told(ledger.Event{ID: id("a"), Kind: ledger.LoggedOut}) // there is no target: the id is not even remembered
	s.listen()
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	s.drain(t, crm)
	out := ledger.Event{ID: id("a"), Kind: ledger.LoggedOut, Person: b.ID, AppID: "wxA", OpenID: "oA", At: at(3).Add(time.Millisecond), Reason: "visitor"}
	told(out)
	told(out)
	told(ledger.Event{Kind: ledger.LoggedOut, Person: a.ID, Reason: "admin"})
	for range 2 { // no person is known: independent of each other
		told(ledger.Event{Kind: ledger.Declined, AppID: "wxA", Scope: "snsapi_userinfo", Reason: "wechat"})
	}
	told(ledger.Event{Kind: ledger.LoggedOut, Person: anID}) // of no person, or of one who was erased: ignored
	told(ledger.Event{Kind: ledger.SignedIn, Person: b.ID, AppID: "wxA", OpenID: "oA", UnionID: "u", Scope: "snsapi_base", Reason: "scan"})
	due := s.due(t, crm, later())
	if len(due) != 3 {
		t.Fatalf("due: %+v", due) // both ids of the person are one line
	}
	out.At = at(3)
	if !reflect.DeepEqual(due[0].Event, out) {
		t.Errorf("got %+v, want %+v", due[0].Event, out)
	}
	s.sent(t, crm, out.ID)
	told(out) // it was told and delivered, and is told again
	s.Reopen(t)
	s.listen()
	told(out)
	if got := s.drain(t, crm); len(got) != 4 || slices.ContainsFunc(got, func(e ledger.Event) bool { return e.ID == out.ID || e.At.IsZero() }) {
		t.Errorf("then %+v", got)
	}
}

func tellInvalid(t *testing.T, s *subject) {
	s.listen()
	good := ledger.Event{Kind: ledger.LoggedOut, Person: s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA"}).ID, AppID: "wxA", OpenID: "oA"}
	for name, edit := range map[string]func(e *ledger.Event){
		"no kind":         func(e *ledger.Event) { e.Kind = "" },
		"a change":        func(e *ledger.Event) { e.Kind = ledger.Merged },
		"an erasure":      func(e *ledger.Event) { e.Kind = ledger.Erased },
		"bad id":          func(e *ledger.Event) { e.ID = "x" },
		"bad person":      func(e *ledger.Event) { e.Person = "secret" },
		"line break":      func(e *ledger.Event) { e.OpenID = "secret\r\nX: y" },
		"aliases":         func(e *ledger.Event) { e.Aliases = []string{anID} },
		"accounts":        func(e *ledger.Event) { e.Accounts = []ledger.AccountID{{AppID: "wxA", OpenID: "oA"}} },
		"from":            func(e *ledger.Event) { e.From = anID },
		"bad scope":       func(e *ledger.Event) { e.Scope = "secret secret" },
		"long scope":      func(e *ledger.Event) { e.Scope = strings.Repeat("s", 65) },
		"bad reason":      func(e *ledger.Event) { e.Reason = "secret\n" },
		"long reason":     func(e *ledger.Event) { e.Reason = strings.Repeat("r", 257) },
		"before our time": func(e *ledger.Event) { e.At = t0.AddDate(-3000, 0, 0) },
	} {
		e := good
		edit(&e)
		err := s.Ledger.Tell(t.Context(), e)
		wantErr(t, name, err, ledger.ErrInvalid)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats the event: %v", name, err)
		}
	}
	if err := s.Ledger.Tell(t.Context(), good); err != nil {
		t.Error(err)
	}
	if n := len(s.drain(t, crm)); n != 1 {
		t.Errorf("%d events", n)
	}
	for name, call := range s.calls(t.Context()) {
		_ = call() // with a proper name none of them says ErrInvalid
		if strings.Contains("Due Sent Postpone Bury Waiting Dead Pending Letter Purge Redeliver Lease Release Expire", name) && errors.Is(call(), ledger.ErrInvalid) {
			t.Errorf("%s: invalid", name)
		}
	}
	for _, target := range []string{"", "A", "a b", "{x}", strings.Repeat("a", 65), "ä"} {
		for name, err := range s.ofTarget(t, target) {
			wantErr(t, name, err, ledger.ErrInvalid)
		}
	}
}

func (s *subject) ofTarget(t *testing.T, target string) map[string]error {
	l, ctx := s.Ledger, t.Context()
	_, _, due := l.Due(ctx, target, time.Now(), 1)
	_, _, waiting := l.Waiting(ctx, target)
	_, dead := l.Dead(ctx, target, "", 1)
	_, redeliver := l.Redeliver(ctx, target, "")
	_, pending := l.Pending(ctx, target, 1)
	_, _, letter := l.Letter(ctx, target, anID)
	_, purge := l.Purge(ctx, target, "")
	_, lease := l.Lease(ctx, target, "me", time.Minute)
	return map[string]error{
		"Due": due, "Waiting": waiting, "Dead": dead, "Redeliver": redeliver, "Lease": lease,
		"Pending": pending, "Letter": letter, "Purge": purge,
		"Sent": l.Sent(ctx, target, anID), "Postpone": l.Postpone(ctx, target, anID, time.Now(), ""),
		"Bury": l.Bury(ctx, target, anID, ""), "Release": l.Release(ctx, target, "me"), "Expire": l.Expire(ctx, target),
	}
}
