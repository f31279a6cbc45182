package wechattest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestShelf(t *testing.T) {
	t.Parallel()
	s := newShelf[int](3)
	for i := range 5 {
		s.put(strconv.Itoa(i), i)
	}
	s.put("4", 40)
	if got := s.keys(); !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Errorf("keys %q", got)
	}
	if v, ok := s.get("4"); v != 40 || !ok {
		t.Errorf("got %d", v)
	}
	if v, ok := s.take("3"); v != 3 || !ok {
		t.Errorf("took %d", v)
	}
	if _, ok := s.take("3"); ok {
		t.Error("took it twice")
	}
	for i := range 1000 {
		s.put(strconv.Itoa(i%7), i)
		s.take(strconv.Itoa(i % 5))
		if len(s.items) > 3 || len(s.ring) > 3 {
			t.Fatalf("holds %d, %d", len(s.items), len(s.ring))
		}
	}
}

// A flood costs a bounded amount of memory, and the newest still works.
func TestFloods(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	s.vault = newVault(50)
	for range 200 {
		last := code(t, s, "alice", scopeBase)
		if v := exchange(t, s, last); v.Errcode != 0 {
			t.Fatalf("%+v", v)
		}
		text(t, get(s, authorizeURL(shop, callback, scopeUserInfo, "a")))
		get(s, strings.TrimSuffix(authorizeURL(shop, callback, scopeBase, randomText(9)), "&connect_redirect=1"))
	}
	v := s.vault
	for name, n := range map[string]int{
		"codes": len(v.codes.items), "tokens": len(v.access.items), "refresh tokens": len(v.refresh.items),
		"consent pages": len(v.asks.items), "queries": len(v.doubles.items),
	} {
		if n > 50 {
			t.Errorf("%d %s", n, name)
		}
	}
	if n := len(s.Issued()); n > 3*50+maxAccounts {
		t.Errorf("%d issued strings", n)
	}
}

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	var s Server
	for i := range maxCalls + 5 {
		s.calls.add(Call{Path: "/x", Errcode: i})
	}
	all := s.Calls()
	if len(all) != maxCalls || all[0].Errcode != 5 || all[len(all)-1].Errcode != maxCalls+4 || s.CountCalls("/x") != maxCalls+5 {
		t.Errorf("%d calls, from %d to %d, %d counted", len(all), all[0].Errcode, all[len(all)-1].Errcode, s.CountCalls("/x"))
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	letters := map[byte]bool{}
	for range 2000 {
		c := newCode()
		if len(c) != 32 || seen[c] {
			t.Fatalf("code %q", c)
		}
		seen[c] = true
		for i := range len(c) {
			letters[c[i]] = true
		}
	}
	if len(letters) != 62 {
		t.Errorf("%d letters", len(letters))
	}
}

// Everything at once, for the race detector; and no secret in the log or in
// what Calls remembers.
func TestConcurrentAndQuiet(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	base := newSim(t)
	s := New(Config{Accounts: base.Accounts(), Persons: base.Persons(), Log: &log})
	defer s.Close()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			person := []string{"alice", "bob"}[i%2]
			for range 25 {
				c := code(t, s, person, scopeUserInfo)
				v := exchange(t, s, c)
				call(t, s, userInfoPath(v))
				exchange(t, s, c)
				s.Withdraw(person, shop)
				_ = s.SetFollow(person, shop, i%3 == 0)
				set(t, s, Quirks{ExtraQuery: Knob{On: true, Next: 3}})
				text(t, get(s, "/"))
				s.Calls()
				s.Issued()
			}
		})
	}
	group.Wait()
	issued := s.Issued()
	if len(issued) < 8*25*3 {
		t.Fatalf("only %d secrets were given out", len(issued))
	}
	logged := log.String()
	for _, secret := range issued {
		if strings.Contains(logged, secret) {
			t.Fatal("a secret is in the log")
		}
	}
	for _, c := range s.Calls() {
		if slices.Contains(issued, c.AppID) || slices.Contains(issued, c.Path) {
			t.Fatal("a secret is among the calls")
		}
	}
	if !strings.Contains(logged, "/sns/oauth2/access_token errcode=40163\n") {
		t.Errorf("the log says little: %.500s", logged)
	}
}
