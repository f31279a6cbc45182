package ledgertest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// bans is about persons who are kept out.
var bans = []contract{
	{"ban: it holds until it is lifted, also after a restart", banHolds},
	{"ban: an export of the person says so", banExported},
	{"ban: a second one changes nothing", banTwice},
	{"ban: whoever is not known cannot be banned", banUnknown},
	{"ban: it follows the person through a merge, whichever record was banned", banMerged},
	{"ban: one name of a merged person lifts all bans of it", banLiftMerged},
	{"ban: names are told apart by kind, app id and case", banKinds},
	{"ban: after an erasure it holds by hashes alone", banErased},
	{"ban: it holds after WeChat reported that the last account is gone", banCancelled},
	{"ban: it holds for names that came after it", banLaterNames},
	{"ban: each name of an erased person lifts it", banLift},
	{"ban: an export brings it to another ledger", banMoves},
	{"ban: what no ledger kept is refused", banInvalid},
	{"ban: generation grows", banGeneration},
}

func (s *subject) ban(t *testing.T, id string) {
	t.Helper()
	if err := s.Ledger.Ban(t.Context(), id, at(5)); err != nil {
		t.Fatalf("Ban: %v", err)
	}
}

func (s *subject) bansOf(t *testing.T) []ledger.Ban {
	t.Helper()
	all, err := s.Ledger.ListBans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *subject) wantBanned(t *testing.T, what string, want bool, p ledger.Person) {
	t.Helper()
	if got := s.Ledger.Banned(&p); got != want {
		t.Errorf("%s: banned %t, want %t", what, got, want)
	}
}

// visitor is somebody of whom WeChat told these names.
func visitor(appID, openID, unionID string) ledger.Person {
	return ledger.Person{UnionID: unionID, Accounts: []ledger.Account{{AppID: appID, OpenID: openID}}}
}

func banExported(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	says := func(when string, want bool) {
		t.Helper()
		data, err := s.Ledger.Export(t.Context(), p.ID)
		var got struct{ Banned *bool }
		if err == nil {
			err = json.Unmarshal(data, &got)
		}
		if err != nil || (got.Banned != nil) != want || want && !*got.Banned {
			t.Errorf("%s: %v, want banned %t:\n%s", when, err, want, data)
		}
	}
	says("before", false)
	s.ban(t, p.ID)
	says("banned", true)
	if err := s.Ledger.Unban(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	says("lifted", false)
}

func banHolds(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oB", At: at(0)})
	s.wantBanned(t, "before", false, p)
	s.ban(t, p.ID)
	for range 2 {
		s.wantBanned(t, "the person", true, p)
		s.wantBanned(t, "the openid", true, visitor("wxA", "oA", ""))
		s.wantBanned(t, "the unionid with another openid", true, visitor("wxB", "oX", "u"))
		s.wantBanned(t, "another person", false, q)
		s.wantBanned(t, "no name", false, ledger.Person{})
		if all := s.bansOf(t); len(all) != 1 || all[0].Person != p.ID || !all[0].At.Equal(at(5)) {
			t.Errorf("the list is %+v", all)
		}
		s.Reopen(t)
	}
	if err := s.Ledger.Unban(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.wantBanned(t, "after it was lifted", false, p)
		if all := s.bansOf(t); len(all) != 0 {
			t.Errorf("the list is %+v", all)
		}
		wantErr(t, "Unban again", s.Ledger.Unban(t.Context(), p.ID), ledger.ErrNotFound)
		s.Reopen(t)
	}
	s.ban(t, p.ID)
	s.wantBanned(t, "banned anew", true, p)
}

func banTwice(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.ban(t, p.ID)
	if err := s.Ledger.Ban(t.Context(), p.ID, at(9)); err != nil {
		t.Fatal(err)
	}
	if all := s.bansOf(t); len(all) != 1 || !all[0].At.Equal(at(5)) {
		t.Errorf("the list is %+v", all)
	}
	p = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(6)})
	s.ban(t, p.ID) // the unionid is new
	if all := s.bansOf(t); len(all) != 1 || len(all[0].Marks) != 3 {
		t.Errorf("the list is %+v", all)
	}
	s.wantBanned(t, "the unionid", true, visitor("wxB", "oX", "u"))
}

func banUnknown(t *testing.T, s *subject) {
	for _, id := range []string{anID, "", "oA", strings.ToUpper(anID)} {
		wantErr(t, "Ban "+id, s.Ledger.Ban(t.Context(), id, at(0)), ledger.ErrNotFound)
	}
	wantErr(t, "Unban", s.Ledger.Unban(t.Context(), anID), ledger.ErrNotFound)
	if all := s.bansOf(t); len(all) != 0 {
		t.Errorf("the list is %+v", all)
	}
}

func banMerged(t *testing.T, s *subject) {
	for name, which := range map[string]int{"older": 0, "younger": 1} {
		a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o" + name, At: at(0)})
		b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "o" + name, UnionID: "u" + name, At: at(1)})
		s.ban(t, []string{a.ID, b.ID}[which])
		one := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o" + name, UnionID: "u" + name, At: at(2)})
		if one.ID != a.ID || len(one.Merged) != 1 {
			t.Fatalf("%+v is not merged", one)
		}
		s.wantBanned(t, "the merged person, whose "+name+" record was banned", true, one)
		s.Reopen(t)
		s.wantBanned(t, "after a restart", true, s.find(t, b.ID))
		if err := s.Ledger.Erase(t.Context(), one.ID); err != nil {
			t.Fatal(err)
		}
		for _, app := range []string{"wxA", "wxB"} {
			s.wantBanned(t, "the openid of "+app+" after the erasure", true, visitor(app, "o"+name, ""))
		}
	}
}

func banLiftMerged(t *testing.T, s *subject) {
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	s.ban(t, a.ID)
	s.ban(t, b.ID)
	one := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	if all := s.bansOf(t); len(all) != 2 {
		t.Fatalf("the list is %+v", all)
	}
	if err := s.Ledger.Unban(t.Context(), "oB"); err != nil {
		t.Fatal(err)
	}
	s.wantBanned(t, "the merged person", false, one)
	if all := s.bansOf(t); len(all) != 0 {
		t.Errorf("the list is %+v", all)
	}
}

// Attack: a visitor has a name that is another person's name of another kind,
// or nearly the name of a banned person.
func banKinds(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oSame", UnionID: "uSame", At: at(0)})
	s.ban(t, p.ID)
	for name, v := range map[string]ledger.Person{
		"the openid of another app":      visitor("wxB", "oSame", ""),
		"a unionid that is the openid":   visitor("wxA", "oX", "oSame"),
		"an openid that is the unionid":  visitor("wxA", "uSame", ""),
		"another case":                   visitor("wxA", "OSAME", "USAME"),
		"the id as an openid":            visitor("wxA", p.ID, ""),
		"app id and openid, moved apart": visitor("wx", "AoSame", ""),
	} {
		s.wantBanned(t, name, false, v)
	}
}

func banErased(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oSecret", UnionID: "uSecret", At: at(0)})
	s.ban(t, p.ID)
	if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		all := s.bansOf(t)
		if len(all) != 1 || all[0].Person != "" {
			t.Fatalf("the list is %+v", all)
		}
		line, err := json.Marshal(all[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{p.ID, "oSecret", "uSecret"} {
			if strings.Contains(string(line), name) {
				t.Errorf("%s is in the ban of an erased person: %s", name, line)
			}
		}
		s.wantBanned(t, "the erased person", true, p)
		s.wantBanned(t, "the openid", true, visitor("wxA", "oSecret", ""))
		s.Reopen(t)
	}
	again := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oSecret", At: at(3)})
	if again.ID == p.ID {
		t.Fatal("the erased person is back")
	}
	s.wantBanned(t, "the person who came again", true, again)
}

func banCancelled(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.ban(t, p.ID)
	_, done, err := s.Ledger.Withdraw(t.Context(), ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", At: at(1), Account: true})
	if err != nil || !done {
		t.Fatal(done, err)
	}
	for range 2 {
		s.wantBanned(t, "the openid", true, visitor("wxA", "oA", ""))
		if all := s.bansOf(t); len(all) != 1 || all[0].Person != "" {
			t.Errorf("the list is %+v", all)
		}
		s.Reopen(t)
	}
}

// Attack: a banned person gives the account that was banned up, and comes back
// with another one.
func banLaterNames(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.ban(t, p.ID)
	if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(1)}) // by way of an older gateway
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(2)})
	_, done, err := s.Ledger.Withdraw(t.Context(), ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", At: at(3), Account: true})
	if err != nil || !done {
		t.Fatal(done, err)
	}
	rest, err := s.Ledger.FindOpenID(t.Context(), "wxB", "oB")
	if err != nil {
		t.Fatal(err)
	}
	s.wantBanned(t, "who gave the banned openid up", true, rest)
	if err := s.Ledger.Erase(t.Context(), rest.ID); err != nil {
		t.Fatal(err)
	}
	s.Reopen(t)
	s.wantBanned(t, "the later openid, after another erasure", true, visitor("wxB", "oB", ""))
}
