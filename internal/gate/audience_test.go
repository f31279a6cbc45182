package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A mini program's token and the cookies of its tickets are one line: whichever
// is signed out takes the others along.
func TestTokenAndItsWebViewsEndTogether(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		for name, end := range map[string]func(c *client, view *browser){
			"the token":    func(c *client, _ *browser) { c.ask(http.MethodPost, "/_wechat/logout", nil) },
			"the web-view": func(_ *client, view *browser) { view.form("/_wechat/logout", nil) },
		} {
			t.Run(name, func(t *testing.T) {
				w := newTown(t, doors, store)
				c := w.mini("alice")
				views := []*browser{w.webView("alice"), w.webView("alice")}
				var cookies []string
				for _, view := range views {
					view.open("/page?wechat_ticket="+c.ticket(), "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none").last().upstream()
					cookies = append(cookies, view.session())
				}
				c.page("/page")
				end(c, views[0])
				w.wantOut(name, cookies...)
				c.ask(http.MethodGet, "/page", nil).refused(t, 401, "token_invalid")
				c.login()
				c.page("/page")
			})
		}
	})
}

// Somebody else signs in with the same browser: the session of who was there
// before ends at once, and the end of one does not end the other's.
func TestAnotherPersonInTheSameBrowser(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, store, doors, scope(wechat.ScopeBase))
		b := w.webView("alice")
		b.open("/page").last().upstream()
		alices := b.session()
		bob := w.mini("bob")
		b.open("/page?wechat_ticket="+bob.ticket(), "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none").last().upstream()
		bobs := b.session()
		if alices == bobs {
			t.Fatal("the ticket was not taken")
		}
		w.wantOut("another person", alices)
		w.copied(bobs).script(http.MethodGet, "/page").upstream()
		bob.page("/page")
	})
}

// Attack: a token copied out of an app is used as a cookie, and a cookie copied
// out of a browser as a token.
func TestAttackTokensAndCookiesAreDifferentThings(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, doors, store)
		c := w.mini("alice")
		w.wantOut("a token as a cookie", strings.TrimPrefix(c.token, "wxt_mini."))
		view := w.webView("alice")
		view.open("/page?wechat_ticket="+c.ticket(), "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none").last().upstream()
		thief := w.client("carol")
		thief.token = "wxt_mini." + view.session()
		thief.ask(http.MethodGet, "/page", nil).refused(t, 401, "token_invalid")
	})
}

// A session made before audiences were kept serves as both, until it is
// renewed: its new value is for one.
func TestSessionsOfBeforeAreBoundWhenRenewed(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
		mini := w.client("alice")
		person, err := w.ledger.Observe(t.Context(), ledger.Observation{AppID: miniApp, OpenID: w.weChat.OpenID("alice", miniApp)})
		if err != nil {
			t.Fatal(err)
		}
		old := session.New(session.Binding{Site: shop, AppID: miniApp}, person.ID, w.weChat.OpenID("alice", miniApp), session.ScopeMiniProgram)
		value, err := w.store.Save(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		b := w.copied(value)
		b.script(http.MethodGet, "/page").upstream()
		mini.token = "wxt_mini." + value
		mini.page("/page")
		time.Sleep(2 * 24 * time.Hour)
		b.script(http.MethodGet, "/page").upstream()
		if b.session() == value {
			t.Fatal("not renewed")
		}
		mini.token = "wxt_mini." + b.session()
		mini.ask(http.MethodGet, "/page", nil).refused(t, 401, "token_invalid")
		mini.token = "wxt_mini." + value // a copy of before is good for as long as it would have been
		renewed := mini.ask(http.MethodGet, "/_wechat/session", nil).Token
		if renewed == "" || renewed == mini.token {
			t.Fatal("the token was not renewed")
		}
		w.wantOut("a renewed token as a cookie", strings.TrimPrefix(renewed, "wxt_mini."))
	})
}
