package ledgertest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// importNewer is the second of two exports: in between the person has
// consented, and their unionid has become known.
func importNewer(t *testing.T, s *subject) {
	old := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	other := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "uB", At: at(0)})
	newer := old
	newer.Version, newer.UnionID, newer.Nickname = old.Version+2, "u", "小明"
	newer.Accounts = append(slices.Clone(old.Accounts), account("wxB", "oB2"))
	newer.Accounts[0].ConsentAt, newer.Accounts[0].LastSeen = at(5), at(5)
	newer.LastSeen, newer.ProfileAt = at(5), at(5)
	s.listen()
	generation := s.Ledger.Generation()
	for range 2 {
		if err := s.Ledger.Import(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		s.same(t, newer)
	}
	if s.Ledger.Generation() == generation {
		t.Error("the generation did not move")
	}
	if err := s.Ledger.Import(t.Context(), old); err != nil { // the first file, once more
		t.Error(err)
	}
	s.same(t, newer)
	s.same(t, other)
	if got := s.drain(t, crm); len(got) != 0 {
		t.Errorf("told %v", kindsOf(got))
	}
	if got := s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u", At: at(6)}); got.ID != old.ID {
		t.Errorf("the unionid leads to %s", got.ID)
	}
}

// importMerged: two persons of the first export are one in the second.
func importMerged(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	q := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	one := p
	one.Version, one.UnionID, one.Merged = max(p.Version, q.Version)+1, "u", []string{q.ID}
	one.Accounts = append(slices.Clone(p.Accounts), q.Accounts...)
	for range 2 {
		if err := s.Ledger.Import(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		s.same(t, one)
	}
	for _, before := range []ledger.Person{p, q} {
		if err := s.Ledger.Import(t.Context(), before); err != nil {
			t.Error(err)
		}
		if got := s.find(t, before.ID); got.ID != p.ID {
			t.Errorf("%s leads to %s", before.ID, got.ID)
		}
	}
	s.Reopen(t)
	if all := s.all(t); len(all) != 1 || !reflect.DeepEqual(all[p.ID], one) {
		t.Errorf("%+v", all)
	}
}
