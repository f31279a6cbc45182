package gate_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// Who is signed in as the same person stays so; somebody else's session gives
// way to what the mini program opens.
func TestHandOverToWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	same, other := w.webView("alice"), w.webView("carol")
	same.consents("/")
	other.consents("/")
	before := same.session()
	c := w.mini("alice")
	h := same.send(http.MethodGet, "/page?wechat_ticket="+c.ticket(), "")
	if h.location() != shop+"/page" || len(h.header["Set-Cookie"]) != 0 || same.session() != before {
		t.Errorf("the same person: %d %s", h.status, h.location())
	}
	if got := other.open("/page?wechat_ticket="+c.ticket(), "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none").last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("alice", miniApp) {
		t.Errorf("another person: %q", got)
	}
}

// A web-view signs out as any browser does: also when it takes two tries, what
// is told is of the mini program.
func TestLogoutOfAWebView(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.ledger.SetTargets([]ledger.Target{{Name: "crm", Kinds: []ledger.EventKind{ledger.LoggedOut}}})
	b := w.webView("alice")
	user := b.open("/page?wechat_ticket=" + w.mini("alice").ticket()).last().upstream().Header.Get("X-Wechat-User")
	w.ledger.failTell(ledger.ErrUnavailable)
	if h := b.script(http.MethodPost, "/_wechat/logout"); h.status != http.StatusServiceUnavailable {
		t.Errorf("nothing can be told: %d", h.status)
	}
	w.ledger.failTell(nil)
	if h := b.script(http.MethodGet, "/_wechat/session"); h.status != http.StatusUnauthorized {
		t.Errorf("signed in still: %d", h.status)
	}
	events := w.events("crm")
	if len(events) != 1 || events[0].AppID != miniApp || events[0].OpenID != w.weChat.OpenID("alice", miniApp) || events[0].Person != user {
		t.Errorf("the business systems hear of %v", events)
	}
}

// A ticket dies with the session that asked for it, and is good for its site
// alone.
func TestTicketOfWhoLeft(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	b, late := w.webView("alice"), w.webView("alice")
	address := "/page?wechat_ticket=" + c.ticket()
	second := late.send(http.MethodGet, address, "").location()
	w.gate.Origin = "https://other.example.com"
	if h := w.webView("alice").send(http.MethodGet, address, ""); h.location() != "https://other.example.com/page" {
		t.Errorf("another site: %d %s", h.status, h.location())
	}
	w.gate.Origin = ""
	c.ask(http.MethodPost, "/_wechat/logout", nil)
	if h := b.send(http.MethodGet, address, ""); h.location() != shop+"/page" || b.session() != "" {
		t.Errorf("after the logout: %d %s", h.status, h.location())
	}
	if h := late.send(http.MethodGet, second, ""); h.location() != shop+"/page" || late.session() != "" {
		t.Errorf("between the hops: %d %s", h.status, h.location())
	}
	bob := w.mini("bob")
	second = late.send(http.MethodGet, "/page?wechat_ticket="+bob.ticket(), "").location()
	if err := w.ledger.Erase(t.Context(), bob.page("/").Header.Get("X-Wechat-User")); err != nil {
		t.Fatal(err)
	}
	if h := late.send(http.MethodGet, second, ""); h.location() != shop+"/page" || late.session() != "" {
		t.Errorf("erased: %d %s", h.status, h.location())
	}
}

// A store that does not answer burns nothing: the page reloads, and goes on.
func TestTicketAndAStoreThatBlinks(t *testing.T) {
	t.Parallel()
	for _, fail := range []func(w *town, on bool){
		func(w *town, on bool) { w.store.fail(map[bool]error{true: session.ErrUnavailable}[on]) },
		func(w *town, on bool) { w.ledger.fail(map[bool]error{true: ledger.ErrUnavailable}[on]) },
	} {
		w := newTown(t, doors)
		b := w.webView("alice")
		second := b.send(http.MethodGet, "/page?wechat_ticket="+w.mini("alice").ticket(), "").location()
		fail(w, true)
		if h := b.send(http.MethodGet, second, ""); h.status != http.StatusServiceUnavailable || h.header.Get("Retry-After") == "" || h.kind() != "unavailable" {
			t.Errorf("%d %q", h.status, h.kind())
		}
		fail(w, false)
		b.open(second).last().upstream()
	}
}

// forgetful is a store one of whose sessions was taken away from outside, as by
// an operator who ends a single one in Redis: the ledger does not hear of it.
type forgetful struct {
	session.Store
	gone atomic.Pointer[string] // its value
}

func (f *forgetful) Load(ctx ctx, value string, b session.Binding) (*session.Session, error) {
	if gone := f.gone.Load(); gone != nil && *gone == value {
		return nil, session.ErrNone
	}
	return f.Store.Load(ctx, value, b)
}

// Attack: somebody whose session an operator has ended has a ticket left, and a
// new session by it.
func TestTicketOfASessionThatAnOperatorEnded(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	store := &forgetful{Store: w.store.Store}
	w.store.Store = store
	c, b := w.mini("alice"), w.webView("alice")
	second := b.send(http.MethodGet, "/page?wechat_ticket="+c.ticket(), "").location()
	value := strings.TrimPrefix(c.token, "wxt_mini.")
	store.gone.Store(&value)
	if h := b.send(http.MethodGet, second, ""); h.status != http.StatusSeeOther || h.location() != shop+"/page" || b.session() != "" {
		t.Errorf("%d to %s, session %q", h.status, h.location(), b.session())
	}
}

// Attack, login CSRF: a ticket of the attacker's own in a link in a chat would
// sign its readers in as the attacker, whatever site the link is on. Only a
// web-view of a mini program takes tickets.
func TestTicketInAChat(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	for name, ua := range map[string]string{"WeChat": weChatUA, "desktop": desktopUA, "claims it outside WeChat": desktopUA + " miniProgram"} {
		address, b := "/page?wechat_ticket="+c.ticket(), w.browser("carol")
		b.ua = ua
		if h := b.send(http.MethodGet, address, "", "Sec-Fetch-Site", "none"); h.location() != shop+"/page" || len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d to %s", name, h.status, h.location())
		}
		view := w.webView("alice")
		if view.open(address).last().upstream(); view.session() == "" {
			t.Errorf("%s: burnt", name)
		}
	}
	tools := w.webView("alice")
	tools.ua = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wechatdevtools/1.06.2307260 MicroMessenger/8.0.5 Language/zh_CN webview/"
	if tools.open("/page?wechat_ticket=" + c.ticket()).last().upstream(); tools.session() == "" {
		t.Error("WeChat's developer tools are not signed in")
	}
}

// Attack: one visitor fills the session store, without WeChat noticing: each
// ticket is a new session, and each of those can ask for tickets.
func TestAttackTicketsWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	first, second, other := w.mini("alice"), w.mini("alice"), w.mini("bob")
	given := 0
	for i := range 100 {
		c := []*client{first, second}[i%2] // two sessions of one person
		switch got := c.ask(http.MethodPost, ticketPath, nil); got.status {
		case http.StatusOK:
			given++
		default:
			got.refused(t, http.StatusTooManyRequests, "too_frequent")
			if got.header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
			}
		}
	}
	if given < 20 || given > 40 {
		t.Errorf("%d tickets in a minute", given)
	}
	// Another site is no new budget.
	w.gate = &gate.Gate{Site: site.Site{Hub: w.hub, Account: w.gate.Account, OtherAccounts: w.gate.OtherAccounts, Rules: w.gate.Rules, Logger: w.gate.Logger}}
	elsewhere := 0
	for range 30 {
		if first.ask(http.MethodPost, ticketPath, nil).status == http.StatusOK {
			elsewhere++
		}
	}
	if elsewhere > 10 {
		t.Errorf("%d tickets at another site", elsewhere)
	}
	other.ticket()
}
