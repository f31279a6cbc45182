package wechattest

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	s := New(Config{Accounts: []Account{
		{AppID: "a", Secret: "x", Platform: "one"},
		{AppID: "b", Secret: "x", Platform: "one"},
		{AppID: "c", Secret: "x", Platform: "two"},
		{AppID: "d", Secret: "x"},
	}, Persons: []Person{{ID: "alice"}, {ID: "bob"}}})
	defer s.Close()
	form := regexp.MustCompile(`^o[0-9A-Za-z_-]{27}$`)
	seen := map[string]bool{}
	for _, p := range []string{"alice", "bob"} {
		for _, a := range []string{"a", "b", "c", "d"} {
			id := s.OpenID(p, a)
			if !form.MatchString(id) || seen[id] || seen[s.VirtualOpenID(p, a)] || id != s.OpenID(p, a) {
				t.Errorf("openid of %s for %s: %q", p, a, id)
			}
			seen[id], seen[s.VirtualOpenID(p, a)] = true, true
		}
	}
	one := s.UnionID("alice", "a")
	if !form.MatchString(one) || one != s.UnionID("alice", "b") || one == s.UnionID("alice", "c") || one == s.UnionID("bob", "a") ||
		one == s.VirtualUnionID("alice", "a") {
		t.Error("unionids differ where they should not, or the other way round")
	}
	if s.UnionID("alice", "d") != "" || s.UnionID("alice", "nobody") != "" {
		t.Error("a unionid without platform")
	}
	// Bound later: the unionid appears, the openid stays.
	before := s.OpenID("alice", "d")
	if err := s.AddAccount(Account{AppID: "d", Secret: "x", Platform: "one"}); err != nil {
		t.Fatal(err)
	}
	if s.UnionID("alice", "d") != one || s.OpenID("alice", "d") != before {
		t.Error("bound later, and not the same person")
	}
}

// A unionid appears in the next profile after an account was bound.
func TestBoundLater(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	v := call(t, s, tokenPath(blog, blogSecret, s.IssueCode("alice", blog, scopeUserInfo)))
	if info := call(t, s, userInfoPath(v)); v.UnionID != nil || info.UnionID != nil {
		t.Error("a unionid without platform")
	}
	if err := s.AddAccount(Account{AppID: blog, Secret: blogSecret, CallbackDomains: []string{"*"}, Platform: "open"}); err != nil {
		t.Fatal(err)
	}
	if info := call(t, s, userInfoPath(v)); info.UnionID == nil || *info.UnionID != s.UnionID("alice", shop) {
		t.Errorf("%+v", info)
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	if err := s.AddPerson(Person{ID: "小红; x=1"}); err != nil {
		t.Fatal(err)
	}
	holder := func(h http.Header) string {
		r := send(s, http.MethodGet, authorizeURL(shop, callback, scopeBase, "a"), "", h)
		return exchange(t, s, landed(t, r).Query().Get("code")).OpenID
	}
	for _, c := range []struct {
		name string
		h    http.Header
		want string
	}{
		{"no cookie: the first person", nil, "alice"},
		{"cookie", as(s, "bob"), "bob"},
		{"cookie of a name that needs escaping", as(s, "小红; x=1"), "小红; x=1"},
		{"cookie of nobody", as(s, "nobody"), "alice"},
		{"broken cookie", http.Header{"Cookie": {phoneCookie + "=%zz"}}, "alice"},
	} {
		if got := holder(c.h); got != s.OpenID(c.want, shop) {
			t.Errorf("%s: not %s", c.name, c.want)
		}
	}
	s.SetPhone("nobody")
	s.SetPhone("bob")
	if holder(nil) != s.OpenID("bob", shop) || holder(as(s, "alice")) != s.OpenID("alice", shop) {
		t.Error("SetPhone")
	}
}

func TestPersons(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	all := s.Persons()
	if len(all) != 2 || all[0].ID != "alice" || all[1].ID != "bob" {
		t.Fatalf("%+v", all)
	}
	if err := s.UpdatePerson(Person{ID: "alice", Nickname: "new", Follows: []string{shop}}); err != nil {
		t.Fatal(err)
	}
	all = s.Persons()
	all[0].Follows[0] = "changed outside"
	accounts := s.Accounts()
	accounts[0].CallbackDomains[0] = "evil.example"
	if p := s.Persons()[0]; p.Nickname != "new" || p.Follows[0] != shop || s.Accounts()[0].CallbackDomains[0] != "shop.example.com" {
		t.Errorf("%+v: a copy is not one", p)
	}
	v := exchange(t, s, code(t, s, "alice", scopeUserInfo))
	if info := call(t, s, userInfoPath(v)); info.Nickname != "new" || info.Avatar != "" {
		t.Errorf("the profile is not up to date: %+v", info)
	}
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"add again", s.AddPerson(Person{ID: "alice"}), ErrExists},
		{"no ID", s.AddPerson(Person{}), ErrBadPerson},
		{"long ID", s.AddPerson(Person{ID: strings.Repeat("x", 65)}), ErrBadPerson},
		{"long nickname", s.UpdatePerson(Person{ID: "alice", Nickname: strings.Repeat("x", 257)}), ErrBadPerson},
		{"long avatar", s.AddPerson(Person{ID: "x", AvatarURL: strings.Repeat("x", 2049)}), ErrBadPerson},
		{"unknown", s.UpdatePerson(Person{ID: "nobody"}), ErrUnknown},
		{"unknown leaves", s.LeaveSnapshot("nobody"), ErrUnknown},
		{"unknown follows", s.SetFollow("nobody", shop, true), ErrUnknown},
		{"follows unknown", s.SetFollow("alice", "nobody", true), ErrUnknown},
		{"no app id", s.AddAccount(Account{Secret: "x"}), ErrBadAccount},
		{"odd app id", s.AddAccount(Account{AppID: "a b", Secret: "x"}), ErrBadAccount},
		{"no secret", s.AddAccount(Account{AppID: "a"}), ErrBadAccount},
		{"long name", s.AddAccount(Account{AppID: "a", Secret: "x", Name: strings.Repeat("x", 65)}), ErrBadAccount},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	s.SetConsent("nobody", shop, true)
	s.SetConsent("alice", "nobody", true)
	if s.Consented("nobody", shop) || s.Consented("alice", "nobody") {
		t.Error("nobody has consented")
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	for i := range maxPersons + 1 {
		if err := s.AddPerson(Person{ID: strconv.Itoa(i)}); errors.Is(err, ErrFull) != (i == maxPersons) {
			t.Fatalf("person %d: %v", i, err)
		}
	}
	for i := range maxAccounts + 1 {
		if err := s.AddAccount(Account{AppID: strconv.Itoa(i), Secret: "x"}); errors.Is(err, ErrFull) != (i == maxAccounts) {
			t.Fatalf("account %d: %v", i, err)
		}
	}
	if err := s.AddAccount(Account{AppID: "1", Secret: "y"}); err != nil {
		t.Errorf("replacing one: %v", err)
	}
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config Config
		want   error
	}{
		{Config{}, nil},
		{Config{Accounts: []Account{{AppID: "a", Secret: "x"}, {AppID: "a", Secret: "y"}}}, ErrExists},
		{Config{Accounts: []Account{{AppID: "a"}}}, ErrBadAccount},
		{Config{Persons: []Person{{ID: "a"}, {ID: "a"}}}, ErrExists},
		{Config{Persons: []Person{{}}}, ErrBadPerson},
	} {
		if err := c.config.Validate(); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.config, err)
		}
		func() {
			defer func() {
				if got := recover() != nil; got != (c.want != nil) {
					t.Errorf("New panics: %t", got)
				}
			}()
			New(c.config).Close()
		}()
	}
}
