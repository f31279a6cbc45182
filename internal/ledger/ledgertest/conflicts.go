package ledgertest

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// conflicts is about observations that contradict what WeChat reported before:
// no person's data may reach another.
var conflicts = []contract{
	{"another unionid: the openid leaves, the data stay", openIDLeaves},
	{"another unionid that is known: the openid moves there, bare", openIDMoves},
	{"the old unionid again: the openid returns", openIDReturns},
	{"two persons with two unionids are never merged", twoUnionIDs},
	{"one unionid for two openids of an app: strangers stay strangers", strangers},
	{"one unionid for two openids of an app: known strangers are not merged", knownStrangers},
	{"another unionid that has an openid of this app: neither is believed", neither},
}

// secret makes a person with data that no other person may ever see.
func secret(t *testing.T, s *subject) ledger.Person {
	return s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: "oA", UnionID: "u1", At: at(0), Consent: true,
		Profile: &ledger.Profile{Nickname: "secret", AvatarURL: "https://a.example/secret"},
	})
}

// stranger fails if p is q, or has any data of q.
func stranger(t *testing.T, p, q ledger.Person) {
	t.Helper()
	if p.ID == q.ID || p.Nickname == "secret" || p.AvatarURL == "https://a.example/secret" || p.Consented("wxA") || p.UnionID == "u1" {
		t.Errorf("data of another unionid became visible: %+v", p)
	}
}

func openIDLeaves(t *testing.T, s *subject) {
	p := secret(t, s)
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u1", At: at(1)})
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(2)})
	stranger(t, q, p)
	if q.UnionID != "u2" || q.OpenID("wxA") != "oA" || len(q.Accounts) != 1 || !q.FirstSeen.Equal(at(2)) {
		t.Errorf("the newcomer is %+v", q)
	}
	left := s.find(t, p.ID)
	if left.UnionID != "u1" || left.Holds("wxA", "oA") || left.Consented("wxA") || left.OpenID("wxB") != "oB" || left.Nickname != "secret" {
		t.Errorf("the person left behind is %+v", left)
	}
	if left.Version <= p.Version {
		t.Errorf("version %d did not grow", left.Version)
	}
	s.same(t, q)
	s.same(t, left)
}

func openIDMoves(t *testing.T, s *subject) {
	p := secret(t, s)
	known := s.see(t, ledger.Observation{
		AppID: "wxB", OpenID: "oB", UnionID: "u2", At: at(1), Consent: true,
		Profile: &ledger.Profile{Nickname: "known", AvatarURL: ""},
	})
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(2)})
	stranger(t, q, p)
	if q.ID != known.ID || q.Nickname != "known" || q.OpenID("wxA") != "oA" || q.Version <= known.Version {
		t.Errorf("moved to %+v, want %s", q, known.ID)
	}
	left := s.find(t, p.ID)
	if len(left.Accounts) != 0 || left.UnionID != "u1" || left.Nickname != "secret" {
		t.Errorf("the person left behind is %+v", left)
	}
	s.same(t, q)
	s.same(t, left)
}

func openIDReturns(t *testing.T, s *subject) {
	p := secret(t, s)
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(1)})
	back := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u1", At: at(2)})
	if back.ID != p.ID || back.Nickname != "secret" || !back.Holds("wxA", "oA") {
		t.Errorf("returned to %+v, want %s", back, p.ID)
	}
	if back.Consented("wxA") {
		t.Error("the consent came back unasked")
	}
	if gone := s.find(t, q.ID); gone.UnionID != "u2" || len(gone.Accounts) != 0 {
		t.Errorf("the person left behind is %+v", gone)
	}
	s.same(t, back)
}

func twoUnionIDs(t *testing.T, s *subject) {
	p := secret(t, s)
	q := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u2", At: at(1)})
	for i, u := range []string{"u2", "u1", "u2", "u1", "u2"} {
		s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: u, At: at(2 + 2*i)})
		s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: u, At: at(3 + 2*i)})
		if p2, q2 := s.find(t, p.ID), s.find(t, q.ID); p2.ID != p.ID || q2.ID != q.ID || p2.UnionID != "u1" || q2.UnionID != "u2" {
			t.Fatalf("after %d rounds: %+v and %+v", i+1, p2, q2)
		} else if q2.Nickname != "" {
			t.Fatalf("the profile went over: %+v", q2)
		}
	}
}

func strangers(t *testing.T, s *subject) {
	p := secret(t, s)
	var q ledger.Person
	for i := range 3 { // the answer does not change with repetition
		q = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oOther", UnionID: "u1", At: at(1 + 100*i)})
		stranger(t, q, p)
		if q.UnionID != "" || q.OpenID("wxA") != "oOther" || len(q.Merged) != 0 {
			t.Errorf("the stranger is %+v", q)
		}
	}
	s.same(t, q)
	s.same(t, s.find(t, p.ID))
}

func knownStrangers(t *testing.T, s *subject) {
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oOther", At: at(-5)})
	p := secret(t, s)
	r := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oOther", UnionID: "u1", At: at(1)})
	stranger(t, r, p)
	if r.ID != q.ID || r.UnionID != "" {
		t.Errorf("the stranger is %+v, want %s unchanged", r, q.ID)
	}
	s.same(t, s.find(t, p.ID))
}

func neither(t *testing.T, s *subject) {
	p := secret(t, s)
	taken := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oOther", UnionID: "u2", At: at(1)})
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(2)})
	stranger(t, q, p)
	if q.ID == taken.ID || q.UnionID != "" {
		t.Errorf("the doubted visitor is %+v", q)
	}
	if r := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(3)}); r.ID != q.ID {
		t.Errorf("the second time: %s, want %s", r.ID, q.ID)
	}
	s.same(t, q)
	if back := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u1", At: at(4)}); back.ID != p.ID {
		t.Errorf("returned to %s, want %s", back.ID, p.ID)
	}
	if r := s.find(t, q.ID); r.ID != p.ID { // its id in between leads to the person too
		t.Errorf("the id in between leads to %s, want %s", r.ID, p.ID)
	}
}
