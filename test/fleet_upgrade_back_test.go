//go:build fleet

package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Each row is a thing that a build without bans, followers and everyone's end
// does not know, and what docs/upgrade.md says about going back to it.
func TestFleetGoingBackFarther(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		store string
		back  func(*shop)
	}{
		"bans, local":          {"local", (*shop).goesBackWithBans},
		"bans, redis":          {"redis", (*shop).goesBackWithBansOnRedis},
		"everyone's end":       {"local", (*shop).goesBackAfterEveryone},
		"followers, local":     {"local", (*shop).goesBackWithFollowers},
		"followers, redis":     {"redis", (*shop).goesBackWithFollowers},
		"an erasure, local":    {"local", (*shop).goesBackAfterAnErasure},
		"an erasure, on redis": {"redis", (*shop).goesBackAfterAnErasure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.back(openShop(t, farBuild, row.store))
		})
	}
}

// Attack: a banned person waits until the operator goes back. The former build
// refuses the file, until the bans are lifted.
func (s *shop) goesBackWithBans() {
	staying, banned := s.patron(), s.patron()
	s.becomes(s.now)
	s.g.wechat("persons", "ban", banned.user)
	if said := s.refusesToStart(s.former); !strings.Contains(said, "the file's tables are not a ledger's") {
		s.t.Errorf("the former build says:\n%s", said)
	}
	s.g.binary = s.now
	s.g.begin("--resume")
	s.g.wechat("persons", "unban", banned.user)
	s.becomes(s.former)
	s.is("without bans", staying)
	s.out("without bans", http.StatusUnauthorized, banned) // the ban ended the session
	s.comesBack("without bans", banned)
}

// On Redis the former build ignores bans. Whoever came in there is out again
// when this build is back.
func (s *shop) goesBackWithBansOnRedis() {
	staying, banned := s.patron(), s.patron()
	s.becomes(s.now)
	s.g.wechat("persons", "ban", banned.user)
	s.becomes(s.former)
	s.is("gone back", staying)
	s.out("gone back", http.StatusUnauthorized, banned)
	again := s.visitor(banned.id, s.g)
	if again.signIn(shopSite+"/page").told() == nil {
		s.t.Error("the former build does not ignore bans: docs/upgrade.md says so")
	}
	s.becomes(s.now)
	s.is("forward again", staying)
	again.wantNotAllowed(s.t, "forward again")
}

// The former build ignores that all sessions were ended, but not that the keys
// are others.
func (s *shop) goesBackAfterEveryone() {
	p := s.patron()
	s.becomes(s.now)
	time.Sleep(1100 * time.Millisecond) // the second of the sign-in is over
	s.g.wechat("sessions", "end", "--everyone", "--yes")
	s.out("ended", http.StatusUnauthorized, p)
	s.becomes(s.former)
	s.is("the former build ignores it, as docs/upgrade.md says; gone back", p)
	s.becomes(s.now)
	s.out("forward again", http.StatusUnauthorized, p)
	s.g.wechat("keys", "rotate", "--retire-now", "--yes")
	s.becomes(s.former)
	s.out("gone back with another key", http.StatusUnauthorized, p)
	s.comesBack("gone back with another key", p)
}

// A record that says who follows cannot be read by the former build: that person
// gets 503, the others notice nothing, and nothing is lost.
func (s *shop) goesBackWithFollowers() {
	other := s.patron()
	s.becomes(s.now)
	before := s.c
	s.c.auth += "\nallow followers"
	if err := s.g.reload(s.c); err != nil {
		s.t.Fatal(err)
	}
	follower := &patron{id: "follower"}
	if err := s.wechat.AddPerson(wechattest.Person{ID: follower.id, Nickname: "粉丝", Follows: []string{appID}}); err != nil {
		s.t.Fatal(err)
	}
	s.wechat.SetConsent(follower.id, appID, true)
	follower.v = s.visitor(follower.id, s.g)
	follower.user, follower.cookie = follower.v.signIn(shopSite + "/page").told()["X-Wechat-User"], follower.v.cookie(shopSite, "wechat")
	s.is("a follower", follower)
	s.c = before
	if err := s.g.reload(s.c); err != nil {
		s.t.Fatal(err)
	}
	s.becomes(s.former)
	s.is("gone back", other)
	s.out("gone back", http.StatusServiceUnavailable, follower)
	if a := s.visitor(follower.id, s.g).signIn(shopSite + "/page"); a.StatusCode != http.StatusServiceUnavailable {
		s.t.Errorf("gone back, the follower signs in: %s %.200s", a.Status, a.body)
	}
	s.becomes(s.now)
	s.is("forward again", follower)
	s.comesBack("forward again", follower)
}

// The notice of an erasure names all openids of the person. The former build
// cannot read it if there are several: the webhook waits, and loses nothing.
func (s *shop) goesBackAfterAnErasure() {
	p := s.patron()
	s.token(p)
	s.becomes(s.now)
	soon(s.t, "all is delivered", 45*time.Second, func() bool { return len(s.crm.heard("signed_in")) > 1 })
	s.crm.setDown(true)
	s.g.wechat("persons", "erase", p.user, "--yes")
	soon(s.t, "the business system is called in vain", 10*time.Second, func() bool { return s.crm.attempts() > 0 })
	s.becomes(s.former)
	s.crm.setDown(false)
	later := s.patron()
	time.Sleep(3 * time.Second)
	if n := len(s.crm.heard("erased")); n != 0 {
		s.t.Errorf("the former build delivered %d notices that it cannot read", n)
	}
	s.becomes(s.now)
	n := s.crm.once(s.t, "erased", p.user, 45*time.Second)
	for _, app := range []string{appID, miniAppID} {
		if !strings.Contains(n.body, s.wechat.OpenID(p.id, app)) {
			s.t.Errorf("the notice does not name the openid of %s: %s", app, n.body)
		}
	}
	soon(s.t, "who came later is told of", 45*time.Second, func() bool {
		return slices.ContainsFunc(s.crm.heard("signed_in"), func(n notice) bool { return n.Data.User == later.user })
	})
}
