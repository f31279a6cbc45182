package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A phone that is signed in goes through one silent redirect more, for each
// code. Its session of before is replaced.
func TestScanAsksWeChatForEachCode(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	phone := w.browser("alice")
	phone.open("/").last().upstream()
	for i := range 5 { // in one minute: no round that a page must stop
		before, s := phone.session(), w.desktop("alice").shows("/x")
		v := phone.open(s.code)
		if !slices.Equal(v.scopes(), []string{base}) || v.last().kind() != "scan_confirm" || phone.session() == before {
			t.Fatalf("code %d: %q%s", i, v.last().kind(), v)
		}
		if again := phone.open(s.code); len(again) != 1 {
			t.Errorf("code %d, once more:%s", i, again)
		}
		if h := phone.picks(v.last(), s.number); h.kind() != "scan_confirmed" {
			t.Errorf("code %d: %d %q", i, h.status, h.kind())
		}
	}
}

// The proof is sent to the address of its code only, and names nothing.
func TestScanProofCookie(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	h := phone.send(http.MethodGet, phone.until(s.code), "")
	at := slices.IndexFunc(h.header["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, scanProofCookie+"=") })
	if at < 0 {
		t.Fatalf("no proof in %q", h.header["Set-Cookie"])
	}
	_, rest, _ := strings.Cut(h.header["Set-Cookie"][at], "; ")
	if want := "Path=" + s.path() + "; Max-Age=120; HttpOnly; Secure; SameSite=Lax"; rest != want {
		t.Errorf("%s, want %s", rest, want)
	}
	if phone.cookies("/")[scanProofCookie] != "" {
		t.Error("other requests grow by the proof")
	}
}

// Consent is asked for after the silent question, and the session that it makes
// can confirm: the proof names the newest.
func TestScanProofAfterConsent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule func(*site.Rules)
		want []string
	}{
		"page":     {func(*site.Rules) {}, []string{base}},
		"redirect": {consentRedirect, []string{base, userinfo}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, scanning, scope(wechat.ScopeUserInfo), rules(c.rule))
			s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
			v := phone.open(s.code)
			if !slices.Equal(v.scopes(), c.want) {
				t.Errorf("asked for %q:%s", v.scopes(), v)
			}
			last := v.last()
			if last.kind() == "consent" {
				last = phone.open(last.button()).last()
			}
			v = phone.decide(last, "allow")
			if h := phone.picks(v.last(), s.number); h.kind() != "scan_confirmed" {
				t.Errorf("%d %q", h.status, h.kind())
			}
			if s.open(s.next).last().upstream().Header.Get("X-Wechat-Nickname") == "" {
				t.Error("without the profile")
			}
			// Known by now: one silent question.
			s = w.desktop("alice").shows("/x")
			if v := phone.open(s.code); !slices.Equal(v.scopes(), []string{base}) || v.last().kind() != "scan_confirm" {
				t.Errorf("the next code: %q%s", v.last().kind(), v)
			}
		})
	}
}

// Who has declined is not asked again by the next code.
func TestScanKeepsADecline(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, rules(allowDeclined), scope(wechat.ScopeUserInfo))
	phone := w.browser("alice")
	m := declineForm.FindStringSubmatch(phone.open("/").last().body)
	if m == nil {
		t.Fatal("no consent page")
	}
	phone.form(m[1], url.Values{"return_to": {m[2]}})
	phone.open("/").last().upstream()
	s := w.desktop("alice").shows("/x")
	phone.picks(phone.reads(s.code), s.number)
	s.open(s.next).last().upstream()
}

// The page of one code is left for another: its answer asks for one more look.
func TestScanTwoCodesOnOnePhone(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	one, two, phone := w.desktop("alice").shows("/one"), w.desktop("alice").shows("/two"), w.browser("alice")
	first, second := phone.reads(one.code), phone.reads(two.code)
	h := phone.picks(first, one.number)
	if h.kind() != "sign_in_expired" || one.state() != "waiting" {
		t.Fatalf("%d %q %s", h.status, h.kind(), one.state())
	}
	if h := phone.picks(second, two.number); h.kind() != "scan_confirmed" {
		t.Errorf("the newest page: %d %q", h.status, h.kind())
	}
	two.open(two.next).last().upstream()
	phone.picks(phone.open(h.button()).last(), one.number)
	one.open(one.next).last().upstream()
}

// Attack: a session that is handed on from screen to screen has no lifetime.
// The computer's is over when the phone's is.
func TestAttackScanOutlivesThePhonesLifetime(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		const lifetime = time.Hour
		w := newTownWith(t, c, scanning, func(w *town) {
			w.inside = true
			w.hub.Policy = session.Policy{Idle: lifetime, Lifetime: lifetime}
			w.store.Store = session.Sealed{Keys: w.hub.Keys, Policy: w.hub.Policy, Tombstones: w.ledger.Ledger}
		})
		s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
		page := phone.reads(s.code)
		begun := time.Now()
		time.Sleep(100 * time.Second)
		phone.picks(page, s.number)
		s.open(s.next).last().upstream()
		time.Sleep(time.Until(begun.Add(lifetime - 2*time.Second)))
		s.open("/x").last().upstream()
		value := s.session()
		time.Sleep(4 * time.Second)
		w.wantOut("after the phone's lifetime", value, phone.session())
	})
}

// Attack: all sessions of the person are ended while the computer's is made.
func TestAttackScanDuringARevocation(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	phone.picks(phone.reads(s.code), s.number)
	asked := 0
	w.hub.PersonEnded = func(string) (at time.Time) {
		if asked++; asked > 1 { // after the look at the phone's session
			at = time.Now()
		}
		return at
	}
	if h := s.open(s.next).last(); h.kind() != "scan_expired" || s.session() != "" || asked < 2 {
		t.Errorf("%d %q, asked %d times", h.status, h.kind(), asked)
	}
}
