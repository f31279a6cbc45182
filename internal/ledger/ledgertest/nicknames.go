package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// named is a person with a nickname.
func (s *subject) named(t *testing.T, openID, nickname string, minutes int) ledger.Person {
	t.Helper()
	return s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: openID, At: at(minutes), Consent: true, Profile: &ledger.Profile{Nickname: nickname},
	})
}

func nicknames(t *testing.T, s *subject) {
	for i, name := range []string{"Alice", "alicia", "ALF", "Ａｌｉｃｅ２", "小明", "小红", "小", "Ωmega", "ωmikron", "a b", "a　c", "Straße", "🐱猫", "微信用户", "微信用户"} {
		s.named(t, fmt.Sprint("o", i), name, i)
	}
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oSilent", At: at(0)})
	Indexed(t, s.Ledger)
	for prefix, want := range map[string][]string{
		"al":          {"ALF", "Alice", "Ａｌｉｃｅ２", "alicia"},
		"ALICE":       {"Alice", "Ａｌｉｃｅ２"},
		"ａｌｉｃｅ":       {"Alice", "Ａｌｉｃｅ２"},
		"Alice2":      {"Ａｌｉｃｅ２"},
		"小":           {"小", "小明", "小红"},
		"小明":          {"小明"},
		"小明明":         nil,
		"明":           nil,
		"ω":           {"Ωmega", "ωmikron"},
		"A\u3000":     {"a b", "a　c"},
		"STRASSE":     nil, // simple folding: no letter becomes two
		"straß":       {"Straße"},
		"🐱":           {"🐱猫"},
		"微信":          {"微信用户", "微信用户"},
		"\u00ff":      nil,
		"\U0010ffff":  nil,
		"al%":         nil,
		"a[lL]*":      nil,
		"../../al":    nil,
		"Alice\u200d": nil,
	} {
		some, err := s.Ledger.FindNickname(t.Context(), prefix, 50)
		var got []string
		for _, p := range some {
			got = append(got, p.Nickname)
		}
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("FindNickname(%q): %q, %v, want %q", prefix, got, err, want)
		}
	}
	if some, err := s.Ledger.FindNickname(t.Context(), "a", 3); len(some) != 3 || err != nil {
		t.Errorf("a limit of 3 gives %d, %v", len(some), err)
	}
	for _, bad := range []string{"", "\x00", "a\x00", "a\n", "\xff", "小"[:2], strings.Repeat("a", 257)} {
		_, err := s.Ledger.FindNickname(t.Context(), bad, 50)
		wantErr(t, fmt.Sprintf("FindNickname(%.20q)", bad), err, ledger.ErrInvalid)
	}
}

func nicknameChanges(t *testing.T, s *subject) {
	found := func(prefix string, want ...string) {
		t.Helper()
		Indexed(t, s.Ledger)
		some, err := s.Ledger.FindNickname(t.Context(), prefix, 50)
		if err != nil || !slices.Equal(idsOf(some), want) {
			t.Errorf("FindNickname(%q): %v, %v, want %v", prefix, idsOf(some), err, want)
		}
	}
	a := s.named(t, "oA", "first", 0)
	found("FIRST", a.ID)
	s.named(t, "oA", "second", 1)
	found("first")
	found("second", a.ID)
	if err := s.Ledger.Renew(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: "third"}, At: at(2)}); err != nil {
		t.Fatal(err)
	}
	found("second")
	found("third", a.ID)
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(3), Consent: true, Profile: &ledger.Profile{Nickname: "fourth"}})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(4)}) // merged: the newer profile
	found("third")
	found("fourth", a.ID)
	for _, app := range []string{"wxA", "wxB"} {
		w := ledger.Withdrawal{Kind: ledger.Revoked, AppID: app, OpenID: "o" + app[2:], Profile: true, Consent: true}
		if _, _, err := s.Ledger.Withdraw(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	found("fourth")
	b := s.named(t, "oErased", "fifth", 5)
	found("fifth", b.ID)
	if err := s.Ledger.Erase(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	found("fifth")
	p := aPerson()
	p.Nickname, p.ProfileAt = "sixth", at(0)
	for _, name := range []string{"sixth", "seventh"} {
		p.Nickname = name
		if err := s.Ledger.Import(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		found(name, p.ID)
		p.Version++
	}
	found("sixth")
}
