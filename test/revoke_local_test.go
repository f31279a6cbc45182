package test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// goneWithin is how long what was withdrawn may go on. Tests that run alone hold
// it to that, and those beside others give the machine a busyMargin more.
const goneWithin, busyMargin = time.Second, time.Second

// openForAWhile is how long what is held open has been open when it ends: the
// gateway takes longer to look at what has just begun.
const openForAWhile = 450 * time.Millisecond

// A person withdraws on the phone: their session, their open connections and
// their profile are gone within a second, and the business system is told once.
// Nobody else notices.
func TestRevokedIsGone(t *testing.T) {
	w := newWorld(t)
	crm := newBusiness(t)
	admin := "127.0.0.1:" + freePort(t)
	w.load(w.caddyfile(options{admin: admin, account: pushAccount, global: webhookTo(crm.URL)}))
	pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
	if check, err := w.wechat.CheckPush(appID); err != nil || !check.Accepted {
		t.Fatalf("WeChat's console does not save the address: %+v %v", check, err)
	}
	ming, hong := w.visitor("ming"), w.visitor("hong")
	ming.signIn(w.site + "/")
	user := w.userOf()
	hong.signIn(w.site + "/")
	other := w.userOf()
	host := strings.TrimPrefix(w.site, "http://")
	w.app.answer(longApp)
	dial := new(net.Dialer).DialContext
	open, others := ming.holdOpen(t, host, dial), hong.holdOpen(t, host, dial)
	if _, before := outside(t, http.MethodGet, "http://"+admin+"/wechat/ledger", ""); !strings.Contains(before, "小明") {
		t.Fatalf("the ledger does not know the nickname: %s", before)
	}
	stolen := ming.cookie(w.site, "wechat")

	time.Sleep(openForAWhile)
	since := time.Now()
	press(t, w.sim.URL, "withdraw", "person", "ming", "account", appID)
	soon(t, "the next request is a new dance", goneWithin+busyMargin, func() bool {
		return ming.send(http.MethodGet, w.site+"/page", "", http.Header{"Accept": {"application/json"}}).StatusCode == http.StatusUnauthorized
	})
	t.Logf("the next request is refused after %v", time.Since(since).Round(time.Millisecond))
	allClosed(t, open, since, goneWithin+busyMargin)
	crm.once(t, "revoked", user, 10*time.Second)
	if n := crm.once(t, "revoked", user, 0); n.Data.Reason != "205" || n.Data.OpenID != w.wechat.OpenID("ming", appID) || n.Data.AppID != appID || n.Data.Account != "default" {
		t.Errorf("the webhook says %s", n.body)
	}
	_, after := outside(t, http.MethodGet, "http://"+admin+"/wechat/ledger", "")
	person := lineOf(t, after, `"id":"`+user+`"`)
	for _, word := range []string{"小明", "qlogo.cn/mmopen/ming", "consent_at", `"nickname"`, `"avatar"`} {
		if strings.Contains(person, word) {
			t.Errorf("the ledger still has %s: %s", word, person)
		}
	}
	if !strings.Contains(after, "小红") {
		t.Error("somebody else's nickname is gone, too")
	}
	// Nobody else notices.
	allOpen(t, others)
	if n := crm.heard("revoked"); len(n) != 1 || n[0].Data.User == other {
		t.Errorf("the business system heard %v", n)
	}
	// A copy of the cookie is as dead, also after a restart.
	w.stop()
	w.load(w.caddyfile(options{admin: admin, account: pushAccount, global: webhookTo(crm.URL)}))
	thief := w.visitor("hong")
	if a := thief.send(http.MethodGet, w.site+"/", "", http.Header{"Cookie": {"wechat=" + stolen}, "Accept": {"application/json"}}); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a copied cookie after a restart: %s", a.Status)
	}
	// The person comes back: a new dance, which asks for consent.
	w.app.answer(nil)
	w.app.take()
	ming.client.CloseIdleConnections()
	if a := ming.open(w.site + "/again"); attribute(a.body, `href="(/_wechat/login[^"]*)"`) == "" {
		t.Errorf("consent is not asked anew: %s at %s\n%.500s", a.Status, a.url, a.body)
	}
	if a := ming.signIn(w.site + "/again"); a.StatusCode != http.StatusOK {
		t.Fatalf("the person cannot come back: %s at %s", a.Status, a.url)
	}
	if again := w.userOf(); again != user {
		t.Errorf("the person is %s now, and was %s", again, user)
	}
}

// lineOf returns the line of a text that has a word.
func lineOf(t *testing.T, text, word string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return line
		}
	}
	t.Fatalf("no line with %s in:\n%s", word, text)
	return ""
}
