//go:build fleet

package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// yesterday is what a former build has made, and what is to become of it.
type yesterday struct {
	staying       *patron // signed in with a browser
	token         string  // of the same person, of a mini program
	out, ended    *patron // signed out; ended by the operator
	banned        *patron // nil: the former build knows no bans
	told          *patron // withdrew while the business system was down
	kept          *patron // withdrew while Redis was down; nil: a local ledger
	codes, tokens int     // how often WeChat was asked
}

// passes has the former build make all of it, and then be killed, as by a power
// cut, or stopped.
func (s *shop) passes(bans bool) *yesterday {
	s.t.Helper()
	y := &yesterday{staying: s.patron(), out: s.patron(), ended: s.patron(), told: s.patron()}
	y.token = s.token(y.staying)
	if a := s.with(y.out.cookie, s.g).logOut(shopSite); a.StatusCode != http.StatusOK {
		s.t.Fatalf("logout: %s %s", a.Status, a.body)
	}
	s.g.wechat("sessions", "end", y.ended.user)
	if bans {
		y.banned = s.patron()
		s.g.wechat("persons", "ban", y.banned.user)
	}
	s.signsAPage(y.staying)
	s.crm.setDown(true)
	s.withdraws(y.told)
	soon(s.t, "the business system is called in vain", 10*time.Second, func() bool { return s.crm.attempts() > 0 })
	if s.redis != nil {
		y.kept = s.patron()
		s.redis.Pause(0)
		s.withdraws(y.kept) // answered, so WeChat does not repeat it
		if kept, err := filepath.Glob(filepath.Join(s.g.folder, "caddy/wechat/pushes/*")); err != nil || len(kept) != 1 {
			s.t.Fatalf("the push was not kept: %v %v", kept, err)
		}
		s.g.kill(s.t)
		s.redis.Resume()
	}
	s.crm.setDown(false)
	y.codes, y.tokens = s.wechat.CountCalls("token"), s.tokensAsked()
	return y
}

// holds checks that what the former build made is as it was.
func (s *shop) holds(when string, y *yesterday) {
	s.t.Helper()
	s.is(when, y.staying)
	if a := s.byToken(y.token); a.told()["X-Wechat-User"] != y.staying.user {
		s.t.Errorf("%s, the mini program gets %s %.200s", when, a.Status, a.body)
	}
	s.out(when, http.StatusUnauthorized, y.out, y.ended, y.told)
	if y.kept != nil {
		soon(s.t, when+", the kept push is carried out", 10*time.Second, func() bool {
			return s.with(y.kept.cookie, s.g).script(shopSite+"/page").StatusCode == http.StatusUnauthorized
		})
		s.noProfile(s.t, s.g, y.kept.user)
	}
	s.noProfile(s.t, s.g, y.told.user)
	if n := s.wechat.CountCalls("token"); n != y.codes {
		s.t.Errorf("%s, %d codes were spent: somebody signed in again", when, n-y.codes)
	}
	if y.banned != nil { // their session has ended, and so does each sign-in
		s.out(when, http.StatusUnauthorized, y.banned)
		s.visitor(y.banned.id, s.g).wantNotAllowed(s.t, when)
	}
}

// comesBack signs a person in with a new browser.
func (s *shop) comesBack(when string, p *patron) {
	s.t.Helper()
	if a := s.visitor(p.id, s.g).signIn(shopSite + "/page"); a.told()["X-Wechat-User"] != p.user {
		s.t.Errorf("%s, %s signs in and is %s %.200s", when, p.user, a.Status, a.body)
	}
}

// What a former build made is there after an upgrade, and after going back, and
// after going forward again: sessions and tokens, ends, bans, events that waited
// and a push that was kept. The configuration comes from Caddy's autosave.
func TestFleetUpgradeAndBack(t *testing.T) {
	t.Parallel() // with the others that measure nothing, after those that do
	for _, former := range []*formerBuild{lastBuild, farBuild} {
		for _, store := range []string{"local", "redis"} {
			t.Run(former.name+", "+store, func(t *testing.T) {
				t.Parallel() // on Redis it waits until the lease of the gateway that was killed ends
				s := openShop(t, former, store)
				y := s.passes(former.bans)
				s.becomes(s.now)
				s.holds("after the upgrade", y)
				patience := 10 * time.Second
				if store == "redis" {
					patience = 45 * time.Second // until the lease of the gateway that was killed ends
				}
				s.crm.once(t, "revoked", y.told.user, patience)
				if y.kept != nil {
					s.crm.once(t, "revoked", y.kept.user, patience)
				}
				s.signsAPage(y.staying)
				if n := s.tokensAsked(); store == "redis" && n != y.tokens {
					t.Errorf("WeChat was asked for %d more tokens and tickets: the shared ones were not used", n-y.tokens)
				}
				s.comesBack("after the upgrade", y.staying)
				s.verified()

				today := s.today()
				s.becomes(s.former)
				y.codes = s.wechat.CountCalls("token")
				s.holds("after going back", y)
				s.is("after going back", today.staying)
				s.out("after going back", http.StatusUnauthorized, today.out, today.ended)
				s.comesBack("after going back", y.staying)
				s.comesBack("after going back", today.staying)

				s.becomes(s.now)
				y.codes = s.wechat.CountCalls("token")
				s.holds("forward again", y)
				s.is("forward again", today.staying)
				s.out("forward again", http.StatusUnauthorized, today.out, today.ended)
				s.verified()
				if log := s.g.run.output.String(); strings.Contains(log, `"level":"error"`) {
					t.Errorf("the log has an error:\n%s", digest(log))
				}
			})
		}
	}
}

// today is what the build under test makes, before the gateway goes back. Its
// own adapter writes the autosave.
func (s *shop) today() *yesterday {
	s.t.Helper()
	if err := s.g.reload(s.c); err != nil {
		s.t.Fatal(err)
	}
	d := &yesterday{staying: s.patron(), out: s.patron(), ended: s.patron()}
	if a := s.with(d.out.cookie, s.g).logOut(shopSite); a.StatusCode != http.StatusOK {
		s.t.Fatalf("logout: %s %s", a.Status, a.body)
	}
	s.g.wechat("sessions", "end", d.ended.user)
	return d
}

// verified looks at the upgraded gateway as docs/upgrade.md tells operators to.
func (s *shop) verified() {
	s.t.Helper()
	said, err := s.g.command("version").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(string(said), "wechat-gateway "), "\n")
	if status := s.g.wechat("status"); !strings.Contains(status, version) || version == "" {
		s.t.Errorf("the version is %q, and the status:\n%s", version, status)
	}
	s.g.awaitReady(http.StatusOK)
	soon(s.t, "lists answer", 10*time.Second, func() bool {
		status, _ := outside(s.t, http.MethodGet, "http://"+s.g.admin+"/wechat/persons", "")
		return status == http.StatusOK
	})
	if said := s.g.wechat("ledger", "verify", "--json"); !strings.Contains(said, `"found":0`) {
		s.t.Errorf("the ledger: %s", said)
	}
}

// Caddy's autosave is written by the binary that runs. A former build refuses
// the options of this one by name, and does not open the site without them.
func TestFleetGoingBackRefusesNewOptions(t *testing.T) {
	t.Parallel()
	for option, set := range map[string]func(*fleetConfig, string){
		"allow": func(c *fleetConfig, user string) { c.auth += "\nallow " + user },
		"deny":  func(c *fleetConfig, user string) { c.global += "\ndeny " + user },
	} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, farBuild, "local")
			p := s.patron()
			s.becomes(s.now)
			set(&s.c, p.user)
			if err := s.g.reload(s.c); err != nil {
				t.Fatal(err)
			}
			if said := s.refusesToStart(s.former); !strings.Contains(said, `unknown field \"`+option+`\"`) && !strings.Contains(said, `unknown field "`+option+`"`) {
				t.Errorf("it does not name the option:\n%s", said)
			}
			file := filepath.Join(s.g.folder, "Caddyfile")
			if err := os.WriteFile(file, []byte(s.g.caddyfile(s.c)), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := s.g.command("adapt", "--config", file).CombinedOutput(); err == nil || !strings.Contains(string(out), option) {
				t.Errorf("a Caddyfile with %s: %v\n%s", option, err, out)
			}
		})
	}
}

// A clone without the commits says how to get them.
func TestFleetUpgradeNeedsTheHistory(t *testing.T) {
	t.Parallel()
	if _, err := buildCommit("0123456789abcdef0123456789abcdef01234567"); err == nil || !strings.Contains(err.Error(), "git fetch --unshallow") {
		t.Errorf("without the commit: %v", err)
	}
}

// The commands of docs/upgrade.md do what it says, and print what it says: an
// upgrade of one gateway, and going back.
func TestFleetUpgradeRunbook(t *testing.T) {
	const document = "docs/upgrade.md"
	headings := []string{"Before an upgrade", "One gateway", "See that it went well", "Going back"}
	if found := runbookHeadings(t, "../"+document); !slices.Equal(found, headings) {
		t.Fatalf("%s has commands under %q, and this test carries out %q", document, found, headings)
	}
	n := newNightOf(t, document, headings[0], false)
	place := func(binary, name string) {
		t.Helper()
		if out, err := exec.Command("install", "-m", "755", binary, n.path(name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	place(lastBuild.binary(t), "bin/wechat-gateway")
	place(n.binary, "root/wechat-gateway")
	for _, heading := range headings[1:] {
		n.book = append(n.book, runbook(t, document, heading)...)
	}
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	version := func() string {
		said, err := n.shell("wechat-gateway version")
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	former := version()
	for range 4 { // to where the new one has looked well
		n.step("/usr/bin/", n.path("bin")+"/")
		n.stays(ming, user)
	}
	n.step("/usr/bin/", n.path("bin")+"/")
	n.stays(ming, user)
	if version() == former {
		t.Errorf("the version is still %s", former)
	}
	n.step("/usr/bin/", n.path("bin")+"/") // going back
	n.stays(ming, user)
	if got := version(); got != former {
		t.Errorf("gone back, the version is %s, and was %s", got, former)
	}
	n.end()
}
