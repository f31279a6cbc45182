package ledgertest

import (
	"regexp"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// identity is about observations that do not contradict each other.
var identity = []contract{
	{"a new openid is a new person", func(t *testing.T, s *subject) {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
		if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(p.ID) {
			t.Errorf("id = %q", p.ID)
		}
		if p.UnionID != "" || p.OpenID("wxA") != "oA" || !p.Holds("wxA", "oA") || p.OpenID("wxB") != "" || p.Consented("wxA") {
			t.Errorf("person = %+v", p)
		}
		if !p.FirstSeen.Equal(at(0)) || !p.LastSeen.Equal(at(0)) || p.Version == 0 {
			t.Errorf("first %v, last %v, version %d", p.FirstSeen, p.LastSeen, p.Version)
		}
		s.same(t, p)
	}},
	{"the same openid is the same person", func(t *testing.T, s *subject) {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
		if q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(500)}); q.ID != p.ID {
			t.Errorf("%s became %s", p.ID, q.ID)
		}
	}},
	{"an openid means nothing at another app id", func(t *testing.T, s *subject) {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o", At: at(0)})
		q := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "o", At: at(1)})
		if p.ID == q.ID {
			t.Error("two app ids share a person without a unionid")
		}
		_, err := s.Ledger.FindOpenID(t.Context(), "wxC", "o")
		wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
	}},
	{"an openid is never taken for a unionid", func(t *testing.T, s *subject) {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "same", At: at(0)})
		q := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "other", UnionID: "same", At: at(1)})
		if p.ID == q.ID {
			t.Error("an openid matched a unionid")
		}
	}},
	{"a unionid joins accounts", func(t *testing.T, s *subject) {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
		q := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
		if q.ID != p.ID || q.OpenID("wxA") != "oA" || q.OpenID("wxB") != "oB" || q.Version <= p.Version {
			t.Errorf("person = %+v, want the accounts of %s united", q, p.ID)
		}
		s.same(t, q)
		// Silent sign-ins bring no unionid; the person must keep it.
		if r := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", At: at(200)}); r.ID != p.ID || r.UnionID != "u" {
			t.Errorf("after a silent sign-in: %+v", r)
		}
	}},
	{"a unionid that appears later keeps the id", func(t *testing.T, s *subject) {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
		q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(1)})
		if q.ID != p.ID || q.UnionID != "u" || q.Version <= p.Version {
			t.Errorf("person = %+v, want %s with its unionid", q, p.ID)
		}
		s.same(t, q)
	}},
	{"two who turn out to be one: the unionid's person is older", func(t *testing.T, s *subject) {
		b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(0)})
		a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(5)})
		merged(t, s, b, a)
	}},
	{"two who turn out to be one: the openid's person is older", func(t *testing.T, s *subject) {
		a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
		b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(5)})
		merged(t, s, a, b)
	}},
	{"two who turn out to be one, seen first in one second: the one created first wins", func(t *testing.T, s *subject) {
		a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
		b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(0)})
		merged(t, s, a, b)
	}},
	{"merges in a row: every old id still resolves", mergesInARow},
	{"consent and the newest good profile survive a merge", profileSurvivesMerge},
}

// merged adds the observation that wxA/oA has the unionid u, and expects loser
// to be merged into winner.
func merged(t *testing.T, s *subject, winner, loser ledger.Person) {
	t.Helper()
	s.find(t, winner.ID) // so that a cache, if there is one, holds both
	s.find(t, loser.ID)
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(10)})
	if p.ID != winner.ID || p.UnionID != "u" || p.OpenID("wxA") != "oA" || p.OpenID("wxB") != "oB" || len(p.Accounts) != 2 {
		t.Errorf("person = %+v, want %s with both accounts", p, winner.ID)
	}
	if !slices.Equal(p.Merged, []string{loser.ID}) || p.Version <= max(winner.Version, loser.Version) {
		t.Errorf("merged = %v, version %d", p.Merged, p.Version)
	}
	if !p.FirstSeen.Equal(winner.FirstSeen) || !p.LastSeen.Equal(at(10)) {
		t.Errorf("first %v, last %v", p.FirstSeen, p.LastSeen)
	}
	s.same(t, p)
	s.Reopen(t)
	s.same(t, p)
}

func mergesInARow(t *testing.T, s *subject) {
	// Each is older than those before, so each merge has another winner.
	apps := []string{"wxA", "wxB", "wxC", "wxD", "wxE"}
	var ids []string
	for i, app := range apps {
		ids = append(ids, s.see(t, ledger.Observation{AppID: app, OpenID: "o", At: at(100 - i)}).ID)
	}
	var p ledger.Person
	for i, app := range apps {
		p = s.see(t, ledger.Observation{AppID: app, OpenID: "o", UnionID: "u", At: at(200 + i)})
		if p.ID != ids[i] {
			t.Fatalf("after %d merges the person is %s, want %s", i, p.ID, ids[i])
		}
	}
	if !slices.Equal(p.Merged, ids[:4]) {
		t.Errorf("merged = %v, want %v", p.Merged, ids[:4])
	}
	s.same(t, p)
}

func profileSurvivesMerge(t *testing.T, s *subject) {
	s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: "oA", At: at(0), Consent: true,
		Profile: &ledger.Profile{Nickname: "new", AvatarURL: "https://a.example/new"},
	})
	s.see(t, ledger.Observation{
		AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(-500), Consent: true,
		Profile: &ledger.Profile{Nickname: "old", AvatarURL: "https://a.example/old"},
	})
	s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u", At: at(1)})
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	if p.Nickname != "new" || p.AvatarURL != "https://a.example/new" || !p.ProfileAt.Equal(at(0)) {
		t.Errorf("profile = %q %q %v", p.Nickname, p.AvatarURL, p.ProfileAt)
	}
	if !p.Consented("wxA") || !p.Consented("wxB") || p.Consented("wxC") {
		t.Errorf("consent did not stay with its account: %+v", p.Accounts)
	}
}
