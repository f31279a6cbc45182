package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
)

const scanProofCookie = "__Secure-wechat-proof"

// path is the address in the code, without the site.
func (s screen) path() string { return strings.TrimPrefix(s.code, shop) }

// confirmsNothing tries to confirm a screen with what a browser holds, and
// without WeChat, which alone could tell who is there.
func (b *browser) confirmsNothing(s screen) {
	b.town.t.Helper()
	if h := b.send(http.MethodGet, s.code, ""); h.kind() == "scan_confirm" || scanChoice.MatchString(h.body) || strings.Contains(h.body, ">"+s.number+"<") {
		b.town.t.Errorf("the code is shown: %d %q", h.status, h.kind())
	}
	if h := b.form(s.code, url.Values{"number": {s.number}}); h.status != http.StatusUnauthorized || h.kind() != "sign_in_expired" {
		b.town.t.Errorf("an answer: %d %q", h.status, h.kind())
	}
	if h := b.form(s.code, url.Values{"deny": {"1"}}); h.status != http.StatusUnauthorized {
		b.town.t.Errorf("a no: %d %q", h.status, h.kind())
	}
	if got := s.state(); got != "waiting" {
		b.town.t.Errorf("the screen hears %s", got)
	}
}

// Attack: who has a copy of a visitor's cookie opens a code in a browser of
// their own and confirms it with the copy: a session that no logout of the
// visitor ends.
func TestAttackCopiedCookieConfirmsAScan(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		for name, ua := range map[string]string{"a desktop": desktopUA, "a desktop that says it is WeChat": weChatUA} {
			t.Run(name, func(t *testing.T) {
				w := newTown(t, scanning, store)
				victim := w.browser("alice")
				victim.open("/").last().upstream()
				thief := w.copied(victim.session())
				thief.ua = ua
				thief.script(http.MethodGet, "/x").upstream() // the copy is good, but for this
				thief.confirmsNothing(w.desktop("carol").shows("/x"))
			})
		}
	})
}

// Attack: the copy is made while the visitor confirms a code of their own, with
// every cookie that there is. It proves nothing for another code, nor in
// another's place.
func TestAttackCopiedProofConfirmsAnotherScan(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	own, other := w.desktop("alice").shows("/x"), w.desktop("carol").shows("/x")
	victim := w.browser("alice")
	before := victim.open("/").last()
	before.upstream()
	old := victim.session()
	victim.reads(own.code)
	proof := victim.cookies(own.path())[scanProofCookie]
	for name, cookies := range map[string][2]string{
		"the proof of another code":  {victim.session(), proof},
		"a session of before":        {old, proof},
		"an altered proof":           {victim.session(), proof[:len(proof)-1] + "A"},
		"a flow in place of a proof": {victim.session(), strings.TrimPrefix(other.path(), "/_wechat/scan/")},
	} {
		t.Run(name, func(t *testing.T) {
			thief := w.copied(cookies[0])
			thief.plant(other.path(), scanProofCookie, cookies[1])
			thief.confirmsNothing(other)
		})
	}
	thief := w.copied(old)
	thief.plant(own.path(), scanProofCookie, proof)
	thief.confirmsNothing(own) // the session of before, for the very code
}

// In the thief's own WeChat the copy makes them nobody but themselves.
func TestAttackCopiedCookieInAnotherWeChat(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, scanning, store)
		victim := w.browser("alice")
		victim.open("/").last().upstream()
		thief, s := w.copied(victim.session()), w.desktop("carol").shows("/x")
		thief.picks(thief.reads(s.code), s.number)
		got := s.open(s.next).last().upstream().Header.Get("X-Wechat-Openid")
		if got != w.weChat.OpenID("carol", shopApp) {
			t.Errorf("signed in as %s", got)
		}
	})
}

// Attack: a session that a scan has made confirms the next scan, and so on: one
// confirmation, and sessions without end.
func TestAttackChainOfScans(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, scanning, store)
		first, next, phone := w.desktop("alice").shows("/x"), w.desktop("carol").shows("/x"), w.browser("alice")
		phone.picks(phone.reads(first.code), first.number)
		first.open(first.next).last().upstream()
		for name, ua := range map[string]string{"a desktop": desktopUA, "says it is WeChat": weChatUA} {
			first.ua = ua
			t.Run(name, func(t *testing.T) { first.confirmsNothing(next) })
		}
		// Not with the phone's own proof, either.
		third := w.desktop("bob").shows("/x")
		phone.reads(third.code)
		first.plant(third.path(), scanProofCookie, phone.cookies(third.path())[scanProofCookie])
		first.confirmsNothing(third)
	})
}

// A session that a ticket has made has no WeChat of the official account behind
// it.
func TestAttackSessionOfATicketConfirmsAScan(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, doors)
	view := w.webView("alice")
	view.open("/?wechat_ticket=" + w.mini("alice").ticket()).last().upstream()
	view.confirmsNothing(w.desktop("carol").shows("/x"))
}

// WeChat sends some callbacks twice, before or after the first answer has
// arrived: all get the same session, and a proof.
func TestScanDuplicateCallbacks(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*browser){
		"nobody yet":     func(*browser) {},
		"signed in":      func(b *browser) { b.open("/") },
		"another person": func(b *browser) { b.open("/"); b.holds("bob") },
	} {
		for _, later := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", together", true: ", later"}[later], func(t *testing.T) {
				w := newTown(t, scanning)
				s, phone := w.desktop("carol").shows("/x"), w.browser("alice")
				prepare(phone)
				before := phone.session()
				callback := phone.until(s.code)
				spent := w.weChat.CountCalls(exchangePath)
				var session string
				for i := range 3 {
					h := phone.send(http.MethodGet, callback, "")
					if strings.TrimSuffix(h.location(), "#") != s.code+"?back" || phone.cookies(s.path())[scanProofCookie] == "" {
						t.Fatalf("hit %d: %d to %s", i, h.status, h.location())
					}
					if session == "" {
						session = phone.session()
					}
					if phone.session() != session || session == before {
						t.Errorf("hit %d: another session than the first, or that of before", i)
					}
					if !later && i < 2 { // the answer has not arrived when the next one leaves
						phone.plant("/", "__Host-wechat", before)
						phone.plant(s.path(), scanProofCookie, "")
					}
				}
				if n := w.weChat.CountCalls(exchangePath); n != spent+1 {
					t.Errorf("%d codes were spent", n-spent)
				}
				if v := phone.open(s.code); v.last().kind() != "scan_confirm" || len(v) != 1 {
					t.Errorf("%s", v)
				}
			})
		}
	}
}

// The same where the second hit reaches another gateway.
func TestScanDuplicateCallbackOnAnotherGateway(t *testing.T) {
	t.Parallel()
	w, shared := newTown(t, scanning), new(keepingBoard)
	s, phone := w.desktop("carol").shows("/x"), w.browser("alice")
	var session string
	callback := phone.until(s.code)
	for i := range 2 {
		w.hub.Memory = &site.Memory{Once: signin.Once{Shared: shared, Keys: w.hub.Keys}}
		h := phone.send(http.MethodGet, callback, "")
		if strings.TrimSuffix(h.location(), "#") != s.code+"?back" || i > 0 && phone.session() != session {
			t.Errorf("hit %d: %d to %s", i, h.status, h.location())
		}
		session = phone.session()
	}
	w.hub.Memory = &site.Memory{Once: signin.Once{Shared: shared, Keys: w.hub.Keys}}
	phone.picks(phone.reads(s.code), s.number)
}

// A browser that keeps no cookies, or not all, ends at a page and not in a
// round.
func TestScanOnPhonesWithoutCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keep            func(string) bool
		nobody, someone string // the page for a phone that is nobody yet, and for one that had a session
	}{
		"none":             {func(string) bool { return false }, "try_again", "try_again"},
		"no proof":         {func(name string) bool { return name != scanProofCookie }, "cookies_off", "cookies_off"},
		"no session":       {func(name string) bool { return name != "__Host-wechat" }, "cookies_off", "cookies_off"},
		"of one path only": {func(name string) bool { return !strings.HasPrefix(name, "__Host-") }, "try_again", "cookies_off"},
		"of all paths":     {func(name string) bool { return strings.HasPrefix(name, "__Host-") }, "try_again", "try_again"},
		"no count":         {func(name string) bool { return name != "__Host-wechat-landed" && name != scanProofCookie }, "try_again", "cookies_off"},
	} {
		for signedIn, want := range map[bool]string{false: c.nobody, true: c.someone} {
			t.Run(name+map[bool]string{true: ", signed in"}[signedIn], func(t *testing.T) {
				w := newTown(t, scanning)
				s, phone := w.desktop("carol").shows("/x"), w.browser("alice")
				if signedIn {
					phone.open("/")
				}
				phone.keep = c.keep
				if v := phone.open(s.code); v.last().kind() != want || len(v.scopes()) > 3 {
					t.Errorf("%q, want %q%s", v.last().kind(), want, v)
				}
				if s.state() != "waiting" {
					t.Error(s.state())
				}
			})
		}
	}
}

// A virtual visitor confirms nothing, and the session that was there stays.
func TestScanBySnapshotOfASignedInPhone(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, rules(snapshotGuest))
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	phone.open("/")
	before := phone.session()
	w.weChat.answer(virtual)
	if v := phone.open(s.code); v.last().kind() != "snapshot" || len(v.scopes()) != 1 || phone.session() != before {
		t.Errorf("%q%s", v.last().kind(), v)
	}
	phone.confirmsNothing(s)
	w.weChat.answer("")
	phone.reads(s.code)
}

// A client that refuses the silent question by itself reads a page: nothing was
// declined, and the code does not send it back.
func TestScanRefusedSilently(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, crm, rules(allowDeclined))
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	phone.open("/")
	flow, state := parts(t, phone.until(s.code))
	w.told()
	if v := phone.open(flow + "?state=" + state); v.last().kind() != "try_again" || len(v) != 1 || len(w.told()) != 0 {
		t.Errorf("%q%s", v.last().kind(), v)
	}
}
