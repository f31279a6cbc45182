package ledgertest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// withdrawals is about what persons withdraw.
var withdrawals = []contract{
	{"withdraw: what is cleared, and what stays", withdraw},
	{"withdraw: an account goes, the others stay", withdrawAccount},
	{"withdraw: the last account, and nothing is left", withdrawLast},
	{"withdraw: sessions end", withdrawEnds},
}

// rich makes a person with all kinds of data at wxA, and more at wxB.
func rich(t *testing.T, s *subject) ledger.Person {
	t.Helper()
	s.see(t, ledger.Observation{
		AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(0), Grant: []byte("grantB"), SessionKey: []byte("keyB"), Phone: "+86 2",
	})
	return s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(1), Consent: true, Grant: []byte("grantA"), SessionKey: []byte("keyA"),
		Phone: "+86 1", Profile: &ledger.Profile{Nickname: "n", AvatarURL: "https://a.example/1"},
	})
}

func (s *subject) withdraw(t *testing.T, w ledger.Withdrawal) (ledger.Person, bool) {
	t.Helper()
	p, done, err := s.Ledger.Withdraw(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return p, done
}

func accountOf(t *testing.T, p ledger.Person, appID string) ledger.Account {
	t.Helper()
	i := slices.IndexFunc(p.Accounts, func(a ledger.Account) bool { return a.AppID == appID })
	if i < 0 {
		t.Fatalf("no account of %s in %+v", appID, p)
	}
	return p.Accounts[i]
}

func withdraw(t *testing.T, s *subject) {
	s.listen()
	p := rich(t, s)
	s.drain(t, crm)
	base := ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", At: at(9), Reason: "201,203"}
	want := p
	want.Accounts = slices.Clone(p.Accounts)
	i := slices.IndexFunc(want.Accounts, func(a ledger.Account) bool { return a.AppID == "wxA" })
	a := &want.Accounts[i]
	for _, c := range []struct {
		name string
		set  func(w *ledger.Withdrawal)
		gone func()
	}{
		{"phone", func(w *ledger.Withdrawal) { w.Phone = true }, func() { a.Phone, a.PhoneAt = "", time.Time{} }},
		{"grant", func(w *ledger.Withdrawal) { w.Grant = true }, func() { a.Grant = nil }},
		{"profile", func(w *ledger.Withdrawal) { w.Profile, w.Kind = true, ledger.ProfileChanged }, func() {
			want.Nickname, want.AvatarURL, want.ProfileAt = "", "", time.Time{}
		}},
		{"consent", func(w *ledger.Withdrawal) { w.Consent = true }, func() { a.ConsentAt = time.Time{} }},
	} {
		w := base
		c.set(&w)
		c.gone()
		want.Version++
		generation := s.Ledger.Generation()
		got, done := s.withdraw(t, w)
		if !done || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", c.name, done, got, want)
		}
		if found := s.find(t, p.ID); !reflect.DeepEqual(found, want) || s.Ledger.Generation() <= generation {
			t.Errorf("%s: found %+v", c.name, found)
		}
		s.told(t, ledger.Event{
			Kind: w.Kind, Person: p.ID, AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(9), Reason: "201,203",
		})
	}
	if got, done := s.withdraw(t, base); !done || got.Version != want.Version { // an event even if there is nothing to clear
		t.Errorf("nothing: %v, %+v", done, got)
	}
	if got := s.drain(t, crm); len(got) != 1 {
		t.Errorf("told %+v", got)
	}
	// a withdrawal that belongs to a reported one makes no event
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(9), Consent: true, Profile: &ledger.Profile{Nickname: "m"}})
	s.drain(t, crm)
	silent := base
	silent.Silent, silent.Consent = true, true
	if got, done := s.withdraw(t, silent); !done || got.Consented("wxA") {
		t.Errorf("in silence: %v, %+v", done, got)
	}
	s.told(t)
	// consent to another account still covers the profile
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", At: at(10), Consent: true, Profile: &ledger.Profile{Nickname: "m"}})
	base.Profile, base.Consent = true, true
	if got, _ := s.withdraw(t, base); got.Nickname != "m" || !got.Consented("wxB") {
		t.Errorf("a profile that another consent gives: %+v", got)
	}
	s.Reopen(t)
	s.same(t, s.find(t, p.ID))
}

func withdrawAccount(t *testing.T, s *subject) {
	s.listen()
	p := rich(t, s)
	s.drain(t, crm)
	got, done := s.withdraw(t, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", At: at(9), Account: true})
	if !done || got.ID != p.ID || len(got.Accounts) != 1 || got.Nickname != "" || got.AvatarURL != "" || got.Version <= p.Version {
		t.Errorf("%v, %+v", done, got)
	}
	if b := accountOf(t, got, "wxB"); !reflect.DeepEqual(b, accountOf(t, p, "wxB")) {
		t.Errorf("the other account is %+v", b)
	}
	s.told(t, ledger.Event{Kind: ledger.Cancelled, Person: p.ID, AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(9)})
	s.Reopen(t)
	_, err := s.Ledger.FindOpenID(t.Context(), "wxA", "oA")
	wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
	s.same(t, s.find(t, p.ID))
	// the returning visitor is the same person, and has consented to nothing
	if q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(10)}); q.ID != p.ID || q.Consented("wxA") {
		t.Errorf("the returning visitor is %+v", q)
	}
}

func withdrawLast(t *testing.T, s *subject) {
	s.listen()
	p := rich(t, s)
	s.drain(t, crm)
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxB", OpenID: "oB", At: at(8), Account: true})
	got, done := s.withdraw(t, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", At: at(9), Account: true})
	if !done || got.ID != p.ID {
		t.Errorf("%v, %+v", done, got)
	}
	for range 2 {
		_, err := s.Ledger.Find(t.Context(), p.ID)
		wantErr(t, "Find", err, ledger.ErrNotFound)
		_, err = s.Ledger.FindOpenID(t.Context(), "wxA", "oA")
		wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
		_, err = s.Ledger.FindUnionID(t.Context(), "u")
		wantErr(t, "FindUnionID", err, ledger.ErrNotFound)
		s.Reopen(t)
	}
	told := s.drain(t, crm)
	if k := kindsOf(told); !slices.Equal(k, []ledger.EventKind{ledger.Cancelled, ledger.Cancelled, ledger.Erased}) || told[2].Person != p.ID {
		t.Errorf("told %+v", told)
	}
	if q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(10)}); q.ID == p.ID {
		t.Error("the returning visitor is not new")
	}
}

func withdrawEnds(t *testing.T, s *subject) {
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	other := s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", At: at(2)})
	until := time.Now().Add(time.Hour)
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxB", OpenID: "oB", At: at(3), Until: until})
	if !s.Ledger.PersonEnded(p.ID).IsZero() {
		t.Error("sessions ended unasked")
	}
	for range 2 {
		s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxB", OpenID: "oB", At: at(3), Until: until, End: true})
	}
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxC", OpenID: "oC", At: at(3), Until: time.Now().Add(-time.Second), End: true})
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxB", OpenID: "oB", At: at(4), Until: until, End: true, Account: true})
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", At: at(5), Until: until, End: true, Account: true})
	for range 2 {
		for id, want := range map[string]time.Time{a.ID: at(5), b.ID: at(5), other.ID: {}} {
			if got := s.Ledger.PersonEnded(id); !got.Equal(want) {
				t.Errorf("ended at %v, want %v", got, want)
			}
		}
		s.Reopen(t)
	}
}
