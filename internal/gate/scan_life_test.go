package gate_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

// Whoever leaves on the phone in between, or is erased, is not signed in.
func TestScanOfAnEndedSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*town, *browser){
		"signed out": func(_ *town, b *browser) { b.form("/_wechat/logout", nil) },
		"erased": func(w *town, b *browser) {
			if err := w.ledger.Erase(t.Context(), b.open("/").last().upstream().Header.Get("X-Wechat-User")); err != nil {
				t.Fatal(err)
			}
		},
		// The ledger hears of it before the store does.
		"all sessions ended": func(w *town, _ *browser) {
			w.hub.PersonEnded = func(string) time.Time { return time.Now().Add(time.Second) }
		},
		"the openid is somebody else's": func(w *town, _ *browser) {
			at := time.Now()
			_, _, err := w.ledger.Withdraw(t.Context(), ledger.Withdrawal{
				Kind: ledger.Cancelled, AppID: shopApp, OpenID: w.weChat.OpenID("alice", shopApp), Account: true, At: at, Until: at.Add(time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		w := newTown(t, scanning, doors)
		w.mini("alice") // a second account, so that the person stays
		s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
		phone.decide(phone.open("/_wechat/login?scope=snsapi_userinfo").last(), "allow") // the unionid links them
		phone.picks(phone.reads(s.code), s.number)
		end(w, phone)
		if h := s.open(s.next).last(); h.kind() != "scan_expired" || s.session() != "" {
			t.Errorf("%s: %d %q", name, h.status, h.kind())
		}
	}
}

// One person answers five codes a minute.
func TestScanPace(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scanning, func(w *town) { w.inside = true })
		phone, other := w.browser("alice"), w.browser("bob")
		for i := range 6 {
			s := w.desktop("alice").shows("/x")
			page := phone.reads(s.code)
			h := phone.picks(page, s.number)
			if (h.status == http.StatusTooManyRequests) != (i == 5) || (s.state() == "waiting") != (i == 5) {
				t.Errorf("answer %d: %d %s", i, h.status, s.state())
			}
			if i == 5 && (h.kind() != "unavailable" || h.header.Get("Retry-After") != "60") {
				t.Errorf("too many answers: %q, Retry-After %q", h.kind(), h.header.Get("Retry-After"))
			}
		}
		s := w.desktop("bob").shows("/x")
		if h := other.picks(other.reads(s.code), s.number); h.kind() != "scan_confirmed" {
			t.Errorf("somebody else: %d", h.status)
		}
		time.Sleep(time.Minute)
		s = w.desktop("alice").shows("/x")
		if h := phone.picks(phone.reads(s.code), s.number); h.kind() != "scan_confirmed" {
			t.Errorf("a minute later: %d", h.status)
		}
	})
}

// Two minutes, for the phone and for the desktop.
func TestScanExpires(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scanning, func(w *town) { w.inside = true })
		b, phone := w.desktop("alice"), w.browser("alice")
		late, s := b.shows("/late"), b.shows("/x")
		page := phone.reads(s.code)
		time.Sleep(119 * time.Second)
		if h := phone.picks(page, s.number); h.kind() != "scan_confirmed" {
			t.Errorf("in time: %q", h.kind())
		}
		time.Sleep(2 * time.Second)
		if late.state() != "expired" || s.state() != "confirmed" {
			t.Errorf("%s, %s", late.state(), s.state())
		}
		if h := phone.open(late.code).last(); h.kind() != "scan_expired" || h.status != http.StatusGone || h.button() != "" {
			t.Errorf("the phone: %d %q", h.status, h.kind())
		}
		if h := phone.form(late.code, url.Values{"number": {late.number}}); h.kind() != "scan_expired" || late.state() != "expired" {
			t.Errorf("too late: %q", h.kind())
		}
		if h := b.open(late.next).last(); h.kind() != "scan_expired" || h.button() != "/_wechat/login?return_to=%2Flate" {
			t.Errorf("the desktop: %q", h.kind())
		}
		if v := b.open(s.next); v.last().url != shop+"/x" {
			t.Errorf("confirmed at the last moment: %s", v)
		}
		// What was never fetched is not kept.
		s = w.desktop("alice").shows("/x")
		cookie := s.cookies(s.wait)["__Secure-wechat-scan"]
		phone.picks(phone.reads(s.code), s.number)
		time.Sleep(3 * time.Minute)
		s.plant(s.wait, "__Secure-wechat-scan", cookie)
		if h := s.open(s.next).last(); h.kind() != "scan_expired" {
			t.Errorf("an old answer: %q", h.kind())
		}
	})
}

// Unavailable is not absent: nothing is lost while a store does not answer.
func TestScanWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	page := phone.reads(s.code)
	w.store.fail(session.ErrUnavailable)
	w.ledger.fail(session.ErrUnavailable)
	w.reload()
	if h := phone.picks(page, s.number); h.status != http.StatusServiceUnavailable {
		t.Errorf("the phone: %d", h.status)
	}
	w.store.fail(nil)
	w.ledger.fail(nil)
	if h := phone.picks(page, s.number); h.kind() != "scan_confirmed" {
		t.Errorf("the phone: %d %q", h.status, h.kind())
	}
	w.store.fail(session.ErrUnavailable)
	h := s.open(s.next).last()
	if h.kind() != "unavailable" || h.header.Get("Refresh") != "5" || s.session() != "" {
		t.Errorf("the desktop: %d %q", h.status, h.kind())
	}
	w.store.fail(nil)
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("well again: %s", v)
	}
}

// A code of another site, or of another account, is none here.
func TestScanOfAnotherSite(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	phone.open("/")
	w.gate.Account.Credentials.AppID = otherApp
	if h := phone.open(s.code).last(); h.kind() != "scan_expired" {
		t.Errorf("%d %q", h.status, h.kind())
	}
	w.gate.Account.Credentials.AppID = shopApp
	w.gate.Origin = "https://other.example.com"
	if h := phone.open(strings.Replace(s.code, shop, w.gate.Origin, 1)).last(); h.kind() != "scan_expired" {
		t.Errorf("%d %q", h.status, h.kind())
	}
}

// fullStore takes no new sessions for a while.
type fullStore struct {
	session.Store
	full bool
}

func (s *fullStore) Save(ctx context.Context, v *session.Session) (string, error) {
	if s.full {
		return "", session.ErrUnavailable
	}
	return s.Store.Save(ctx, v)
}

// An answer that was taken, and could not be turned into a session, is not
// lost.
func TestScanTakenInVain(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, crm)
	store := &fullStore{Store: w.store}
	w.hub.Store = store
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	phone.picks(phone.reads(s.code), s.number)
	w.told()
	store.full = true
	if h := s.open(s.next).last(); h.kind() != "unavailable" {
		t.Errorf("%d %q", h.status, h.kind())
	}
	store.full = false
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("%s", v)
	}
	if got := brief(w.told()); !slices.Equal(got, []string{"signed_in snsapi_base scan"}) {
		t.Errorf("told %q", got)
	}
}

// A code that was answered, opened once more: the phone reads what became of
// it, and is not asked again.
func TestScanIsOpenedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer                func(s screen, phone *browser, page hop)
		same, another, anyone string // what the same phone, another browser of its holder, and another person read
	}{
		"refused": {func(s screen, phone *browser, _ hop) { phone.form(s.code, url.Values{"deny": {"1"}}) }, "scan_denied", "scan_denied", "scan_denied"},
		"wrong number": {func(_ screen, phone *browser, page hop) {
			phone.form(html.UnescapeString(scanForm.FindStringSubmatch(page.body)[1]), url.Values{"number": {"1"}})
		}, "scan_denied", "scan_denied", "scan_denied"},
		"confirmed": {func(s screen, phone *browser, page hop) { phone.picks(page, s.number) }, "scan_confirmed", "scan_expired", "scan_expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scanning)
			s := w.desktop("carol").shows("/x")
			phone := w.browser("alice")
			c.answer(s, phone, phone.reads(s.code))
			for _, reader := range []struct {
				who  *browser
				want string
			}{{phone, c.same}, {w.browser("alice"), c.another}, {w.browser("bob"), c.anyone}} {
				h := reader.who.open(s.code).last()
				if h.kind() != reader.want || scanChoice.MatchString(h.body) {
					t.Errorf("%d %q, want %q", h.status, h.kind(), reader.want)
				}
			}
		})
	}
}
