package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Before checks a ledger that an older gateway wrote (the fixtures before-rooms
// of boltledger and redisledger): its data are still valid, and it can be
// written.
func Before(t *testing.T, l ledger.Ledger) {
	t.Helper()
	begun := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	alice := beforeAlice(t, l)
	bob, err := l.FindUnionID(t.Context(), "uBob")
	if err != nil || bob.Consented("wxA") || bob.Nickname != "" || !bob.Holds("wxA", "oBob") {
		t.Errorf("Bob, who took his consent back, is %+v, %v", bob, err)
	}
	if got := l.PersonEnded(bob.ID); !got.Equal(begun.Add(time.Hour)) {
		t.Errorf("Bob's sessions are over up to %v, want %v", got, begun.Add(time.Hour))
	}
	if !l.Ended([16]byte{1, 2, 3}) || l.Ended([16]byte{1}) {
		t.Error("the one session that was ended is not the one that is over")
	}
	left, err := l.FindUnionID(t.Context(), "uCarol")
	if err != nil || len(left.Accounts) != 0 {
		t.Errorf("the person whose openid moved away is %+v, %v", left, err)
	}
	if carol, err := l.FindOpenID(t.Context(), "wxA", "oCarol"); err != nil || carol.UnionID != "uCarol2" || carol.ID == left.ID {
		t.Errorf("the person to whom the openid moved is %+v, %v", carol, err)
	}
	if _, err := l.FindOpenID(t.Context(), "wxA", "oDave"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the erased person: %v, want ErrNotFound", err)
	}
	beforeOutbox(t, l)
	again := MustSee(t, l, ledger.Observation{AppID: "wxB", OpenID: "oAlice2", UnionID: "uAlice", SignedIn: true})
	if again.ID != alice.ID {
		t.Errorf("Alice signs in as %s, want %s", again.ID, alice.ID)
	}
	if waiting, _, err := l.Waiting(t.Context(), "crm"); waiting != 9 || err != nil {
		t.Errorf("%d events wait after a sign-in, %v, want 9", waiting, err)
	}
}

// beforeAlice checks the person with three openids and a merged id.
func beforeAlice(t *testing.T, l ledger.Ledger) ledger.Person {
	t.Helper()
	p, err := l.FindOpenID(t.Context(), "wxA", "oAlice")
	if err != nil || len(p.Accounts) != 3 || len(p.Merged) != 1 || p.UnionID != "uAlice" {
		t.Fatalf("Alice is %+v, %v, want three openids and a merged id", p, err)
	}
	if q, err := l.Find(t.Context(), p.Merged[0]); err != nil || q.ID != p.ID {
		t.Errorf("the merged id leads to %q, %v, want %q", q.ID, err, p.ID)
	}
	if !p.Consented("wxA") || p.Nickname != "爱丽丝" || p.AvatarURL != "https://thirdwx.qlogo.cn/a/132" {
		t.Errorf("Alice's consent is %v, her profile %q, %q", p.Consented("wxA"), p.Nickname, p.AvatarURL)
	}
	for _, a := range p.Accounts {
		got := string(a.Grant) + "|" + string(a.SessionKey) + "|" + a.Phone
		want := map[string]string{"wxA": "sealed grant||", "wxB": "||", "wxMini": "|sealed key|+86 13800138000"}[a.AppID]
		if got != want {
			t.Errorf("Alice's account of %s holds %q, want %q", a.AppID, got, want)
		}
	}
	return p
}

// beforeOutbox checks the waiting events: the oldest event of each line is due,
// even the one with a failed attempt.
func beforeOutbox(t *testing.T, l ledger.Ledger) {
	t.Helper()
	l.SetTargets([]ledger.Target{{Name: "crm"}})
	waiting, _, err := l.Waiting(t.Context(), "crm")
	if waiting != 8 || err != nil {
		t.Errorf("%d events wait, %v, want 8", waiting, err)
	}
	due, _, err := l.Due(t.Context(), "crm", time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC), 10)
	if err != nil {
		t.Fatal(err)
	}
	got := map[ledger.EventKind]int{}
	for _, d := range due {
		got[d.Kind]++
		if d.Kind == ledger.SignedIn && (d.Attempts != 1 || d.Reason != "503") {
			t.Errorf("the event that was tried is %+v", d)
		}
	}
	if len(due) != 4 || got[ledger.SignedIn] != 1 || got[ledger.Erased] != 1 || got[ledger.Revoked] != 1 || got[ledger.Declined] != 1 {
		t.Errorf("due are %v, want one each of signed_in, erased, revoked and declined", got)
	}
}
