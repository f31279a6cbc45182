package gate_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
	"github.com/caddy-wechat/gateway/session"
)

// crm is a business system that hears of everything.
func crm(w *town) { w.ledger.SetTargets([]ledger.Target{{Name: "crm"}}) }

// told takes from the outbox what the business system would get, in order.
func (w *town) told() (all []ledger.Event) {
	w.t.Helper()
	for {
		due, _, err := w.ledger.Due(w.t.Context(), "crm", time.Now().Add(time.Hour), 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(due) == 0 {
			return all
		}
		for _, d := range due {
			all = append(all, d.Event)
			if err := w.ledger.Sent(w.t.Context(), "crm", d.ID); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// brief is what the events are, for comparing.
func brief(all []ledger.Event) (out []string) {
	for _, e := range all {
		out = append(out, strings.Trim(fmt.Sprintf("%s %s %s", e.Kind, e.Scope, e.Reason), " "))
	}
	return out
}

func TestSignInsAreTold(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm)
	b := w.browser("alice")
	b.consents("/")
	all := w.told()
	if want := []string{"signed_in snsapi_base", "linked", "signed_in snsapi_userinfo"}; !slices.Equal(brief(all), want) {
		t.Errorf("told %q, want %q", brief(all), want)
	}
	p, err := w.ledger.FindOpenID(t.Context(), shopApp, w.weChat.OpenID("alice", shopApp))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Person != p.ID || e.AppID != shopApp {
			t.Errorf("%s is of %q at %q", e.Kind, e.Person, e.AppID)
		}
	}
	b.open("/")
	b.script(http.MethodGet, "/api")
	if all := w.told(); len(all) != 0 {
		t.Errorf("a visit is no sign-in: %q", brief(all))
	}
}

// Who signs in without WeChat being asked anew signs in, too.
func TestSignInsBesideWeChatAreTold(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, doors, crm)
	s, phone, mini := w.desktop("carol").shows("/x"), w.browser("alice"), w.mini("alice")
	phone.picks(phone.reads(s.code), s.number)
	ticket := mini.ticket()
	w.told()
	for range 2 {
		s.open(s.next)
	}
	view := w.webView("alice")
	for range 2 {
		view.open("/?wechat_ticket=" + ticket)
	}
	all := w.told()
	if want := []string{"signed_in snsapi_base scan", "signed_in mini_program ticket"}; !slices.Equal(brief(all), want) {
		t.Fatalf("told %q, want %q", brief(all), want)
	}
	for i, b := range []*browser{s.browser, view} {
		e, want := all[i], b.open("/").last().upstream().Header
		if e.Person != want.Get("X-Wechat-User") || e.AppID != want.Get("X-Wechat-App-Id") ||
			e.OpenID != want.Get("X-Wechat-Openid") || e.UnionID != want.Get("X-Wechat-Unionid") {
			t.Errorf("told %+v of %v", e, want)
		}
	}
}

// WeChat sends some callbacks twice; that is one sign-in.
func TestDuplicateCallbackIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/")
	for range 3 {
		b.send(http.MethodGet, callback, "")
	}
	if all := w.told(); !slices.Equal(brief(all), []string{"signed_in snsapi_base"}) {
		t.Errorf("told %q", brief(all))
	}
}

// Attack: customers who do not exist. Virtual visitors are told of to nobody.
func TestVirtualVisitorsAreNotTold(t *testing.T) {
	t.Parallel()
	for _, guest := range []bool{false, true} {
		w := newTown(t, crm, rules(func(r *site.Rules) { r.SnapshotGuest = guest }))
		w.weChat.answer(virtual)
		b := w.browser("alice")
		b.open("/")
		b.form("/_wechat/decline", nil)
		b.form("/_wechat/logout", nil)
		if all := w.told(); len(all) != 0 {
			t.Errorf("guest %t: told %q", guest, brief(all))
		}
		if lines := w.log.lines(`"action":"sign_in"`); len(lines) != 0 {
			t.Errorf("guest %t: %q", guest, lines)
		}
		nobodyNew(t, w)
	}
}

func TestDeclineIsTold(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm, rules(allowDeclined))
	b := w.browser("alice")
	b.open("/")
	w.told()
	cookie := b.session()
	b.form("/_wechat/decline", nil)
	b.plant("/", "__Host-wechat", cookie) // the second of two clicks
	b.form("/_wechat/decline", nil)
	all := w.told()
	if !slices.Equal(brief(all), []string{"declined snsapi_userinfo page"}) || all[0].Person == "" || all[0].OpenID == "" {
		t.Errorf("two clicks: told %q", brief(all))
	}
	b.form("/_wechat/decline", nil) // asked again, declined again
	if all := w.told(); len(all) != 1 {
		t.Errorf("another decline: told %q", brief(all))
	}
	if lines := w.log.lines(`"action":"decline"`); len(lines) != 3 || !strings.Contains(lines[0], `"reason":"page"`) {
		t.Errorf("audit %q", lines)
	}
}

// Whoever was offered no button, has consented already, or is nobody, declines
// nothing.
func TestDeclineThatIsNone(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm)
	b := w.browser("alice")
	b.form("/_wechat/decline", nil)
	b.open("/")
	b.form("/_wechat/decline", nil)
	w.gate.Rules.AllowDeclined = true
	b.consents("/x")
	b.form("/_wechat/decline", nil)
	for _, e := range w.told() {
		if e.Kind == ledger.Declined {
			t.Errorf("told %q", brief([]ledger.Event{e}))
		}
	}
}

func TestRefusalAtWeChatIsTold(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*site.Rules){
		"page": func(*site.Rules) {}, "allowed": allowDeclined, "redirect": consentRedirect,
	} {
		w := newTown(t, crm, rules(change))
		if err := w.weChat.SetQuirks(wechattest.Quirks{OldRefusal: wechattest.Knob{On: true}}); err != nil {
			t.Fatal(err)
		}
		b := w.browser("alice")
		asked := b.open("/x").last()
		if asked.kind() == "consent" {
			asked = b.open(asked.button()).last()
		}
		w.told()
		v := b.decide(asked, "refuse")
		for _, h := range v {
			if strings.Contains(h.url, "/_wechat/callback/") {
				b.send(http.MethodGet, h.url, "") // the visitor reloads
			}
		}
		if all := w.told(); !slices.Equal(brief(all), []string{"declined snsapi_userinfo wechat"}) {
			t.Errorf("%s: told %q", name, brief(all))
		}
	}
}

// Attack: a flood of refused dances that fills the outbox. Refusals without a
// session are not told.
func TestNobodysRefusalIsNotTold(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm)
	b := w.browser("bob")
	callback, err := url.Parse(b.until("/x"))
	if err != nil {
		t.Fatal(err)
	}
	callback.RawQuery = url.Values{"state": callback.Query()["state"]}.Encode()
	b.open(callback.String())
	if all := w.told(); len(all) != 0 {
		t.Errorf("told %q", brief(all))
	}
	if lines := w.log.lines(`"action":"decline"`); len(lines) != 1 || strings.Contains(lines[0], `"user"`) {
		t.Errorf("audit %q", lines)
	}
}

// A decline that cannot be told is 503, and told when it is repeated.
func TestDeclineIsNotLost(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm, rules(allowDeclined))
	b := w.browser("alice")
	b.open("/")
	w.told()
	w.ledger.failTell(ledger.ErrUnavailable)
	unavailable(t, b.form("/_wechat/decline", nil), 5, 5)
	w.ledger.failTell(nil)
	if h := b.form("/_wechat/decline", nil); h.status != http.StatusSeeOther {
		t.Errorf("%d", h.status)
	}
	if all := w.told(); len(all) != 1 {
		t.Errorf("told %q", brief(all))
	}
}

func TestLogoutIsTold(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm, scope(wechat.ScopeBase), func(w *town) { w.upstream = leaving })
	for reason, leave := range map[string]func(*browser) hop{
		"visitor":  func(b *browser) hop { return b.form("/_wechat/logout", nil) },
		"upstream": func(b *browser) hop { return b.send(http.MethodGet, "/?logout", "") },
	} {
		b := w.browser("alice")
		b.open("/")
		w.told()
		cookie := b.session()
		leave(b)
		b.plant("/", "__Host-wechat", cookie)
		b.form("/_wechat/logout", nil) // again, with the cookie of before
		all := w.told()
		if !slices.Equal(brief(all), []string{"logged_out  " + reason}) || all[0].Person == "" || len(all[0].ID) != 26 {
			t.Errorf("%s: told %q", reason, brief(all))
		}
		if lines := w.log.lines(`"action":"logout"`); !strings.Contains(strings.Join(lines, ""), `"reason":"`+reason+`"`) {
			t.Errorf("audit %q", lines)
		}
	}
}

// leaving is an upstream that signs out whoever asks for it.
func leaving(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery == "logout" {
		w.Header().Set(gate.HeaderLogout, "1")
	}
	echo(w, r)
}

// Attack: a logout that waits for a webhook. The session is over at once,
// though nobody can be told; the visitor hears 503 and repeats, or comes again
// some day, and then it is told, once.
func TestLogoutThatCannotBeTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave  func(*browser) hop
		status int
		again  func(*browser)
	}{
		"visitor, repeated": {
			func(b *browser) hop { return b.form("/_wechat/logout", nil) }, http.StatusServiceUnavailable,
			func(b *browser) { b.form("/_wechat/logout", nil) },
		},
		"visitor, comes again": {
			func(b *browser) hop { return b.form("/_wechat/logout", nil) }, http.StatusServiceUnavailable,
			func(b *browser) { b.open("/") },
		},
		"upstream, comes again": {
			func(b *browser) hop { return b.send(http.MethodGet, "/?logout", "") }, http.StatusOK,
			func(b *browser) { b.script(http.MethodGet, "/_wechat/session") },
		},
	} {
		w := newTown(t, crm, scope(wechat.ScopeBase), func(w *town) { w.upstream = leaving })
		b, thief := w.browser("alice"), w.browser("carol")
		b.open("/")
		w.told()
		thief.plant("/", "__Host-wechat", b.session())
		w.ledger.failTell(ledger.ErrUnavailable)
		if h := c.leave(b); h.status != c.status {
			t.Errorf("%s: %d", name, h.status)
		}
		if h := thief.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("%s: the session lives: %d", name, h.status)
		}
		if h := b.form("/_wechat/logout", nil); h.status != http.StatusServiceUnavailable {
			t.Errorf("%s: repeated in vain: %d", name, h.status)
		}
		w.ledger.failTell(nil)
		c.again(b)
		all := slices.DeleteFunc(w.told(), func(e ledger.Event) bool { return e.Kind != ledger.LoggedOut })
		if len(all) != 1 || all[0].Person == "" || b.cookies("/_wechat/logout")["__Host-wechat-leave"] != "" {
			t.Errorf("%s: told %q, cookies %v", name, brief(all), b.cookies("/_wechat/logout"))
		}
		b.form("/_wechat/logout", nil)
		if len(w.log.lines("a logout is still not complete")) != 1 {
			t.Errorf("%s: %q", name, w.log.lines("not complete"))
		}
	}
}

// Attack: the cookies of somebody's logout, out of a shared cache. The answer
// is for nobody else, whatever the app says of it.
func TestAttackLogoutInASharedCache(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.upstream = func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Cache-Control", "public, max-age=60")
			leaving(rw, r)
		}
	})
	b, thief := w.browser("alice"), w.browser("carol")
	b.open("/")
	thief.plant("/", "__Host-wechat", b.session())
	w.ledger.failTell(ledger.ErrUnavailable)
	if h := b.send(http.MethodGet, "/?logout", ""); !slices.Equal(h.header["Cache-Control"], []string{"no-store"}) || b.session() != "" {
		t.Errorf("%d %v", h.status, h.header)
	}
	if h := thief.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("the session lives: %d", h.status)
	}
}

// Attack: a receipt of one's own, or of another site. It ends nobody's session.
func TestAttackForgedReceipt(t *testing.T) {
	t.Parallel()
	w := newTown(t, crm, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
	b := w.browser("alice")
	b.open("/")
	w.ledger.failTell(ledger.ErrUnavailable)
	b.form("/_wechat/logout", nil)
	receipt := b.cookies("/_wechat/logout")["__Host-wechat-leave"]
	w.ledger.failTell(nil)
	w.told()
	for name, value := range map[string]string{
		"garbage": "x", "a session": sealedSession(t), "cut": receipt[:len(receipt)-2], "long": strings.Repeat("A", 5000),
	} {
		h := w.browser("bob").script(http.MethodGet, "/_wechat/session", "Cookie", "__Host-wechat-leave="+value)
		if all := w.told(); len(all) != 0 || h.status != http.StatusUnauthorized {
			t.Errorf("%s: %d, told %q", name, h.status, brief(all))
		}
	}
	w.gate.Origin = "https://other.example.com"
	w.browser("bob").script(http.MethodGet, "/_wechat/session", "Cookie", "__Host-wechat-leave="+receipt)
	if all := w.told(); len(all) != 0 {
		t.Errorf("another site: told %q", brief(all))
	}
	w.gate.Origin = ""
	w.browser("bob").script(http.MethodGet, "/_wechat/session", "Cookie", "__Host-wechat-leave="+receipt)
	if all := w.told(); len(all) != 1 {
		t.Errorf("the true one: told %q", brief(all))
	}
}

// A receipt is good for as long as the ledger knows what it was told, and no
// longer: else it would be told again and again.
func TestReceiptOfYesterday(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, crm, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		b.open("/")
		w.hub.Unfinished = nil // a gateway that was started anew keeps nothing
		w.ledger.failTell(ledger.ErrUnavailable)
		b.form("/_wechat/logout", nil)
		receipt := b.cookies("/_wechat/logout")["__Host-wechat-leave"]
		w.ledger.failTell(nil)
		w.told()
		time.Sleep(24 * time.Hour)
		h := w.browser("bob").script(http.MethodGet, "/_wechat/session", "Cookie", "__Host-wechat-leave="+receipt)
		if all := w.told(); len(all) != 0 || len(h.header["Set-Cookie"]) != 1 {
			t.Errorf("told %q, cookies %q", brief(all), h.header["Set-Cookie"])
		}
	})
}

func sealedSession(t *testing.T) string {
	ring, err := session.NewRing(ringKey)
	if err != nil {
		t.Fatal(err)
	}
	s := session.New(session.Binding{Site: shop, AppID: shopApp}, "somebody", "oSomebody", session.ScopeBase)
	value, err := session.Sealed{Keys: ring}.Save(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
