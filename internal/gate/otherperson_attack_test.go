package gate_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

var switchForm = regexp.MustCompile(`<form method="post" action="([^"]+)">\s*<button`)

// switches is where the button of the page posts to.
func (h hop) switches() string {
	h.t.Helper()
	m := switchForm.FindStringSubmatch(h.body)
	if h.kind() != "other_person" || h.status != http.StatusOK || m == nil {
		h.t.Fatalf("%s does not ask but %d %q", h.url, h.status, h.kind())
	}
	return html.UnescapeString(m[1])
}

// Attack: a link with the attacker's ticket, opened in an old kernel, which
// says nothing of where the link was, by somebody who is signed in. The visitor
// is asked first.
func TestAttackTicketReplacesASessionInOldKernels(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	b := w.webView("carol")
	carol := b.consents("/").last().upstream().Header.Get("X-Wechat-Openid")
	before, ticket := b.session(), w.mini("alice").ticket()
	link := "/page?x=1&wechat_ticket=" + ticket
	asked := b.open(link).last()
	confirm := asked.switches()
	if b.session() != before || strings.Contains(asked.url+asked.body, ticket) || asked.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("replaced, or the page holds the ticket: %s", asked.url)
	}
	// By link nothing happens, nor by a form of somebody else's.
	for name, headers := range map[string][]string{
		"another site":           {"Origin", "https://evil.example"},
		"says nothing":           {"X", "y"},
		"another site's Referer": {"Referer", "https://evil.example/" + shop + "/"},
		"no origin":              {"Origin", "null"},
	} {
		if h := b.send(http.MethodPost, confirm, "", headers...); h.status != http.StatusForbidden || b.session() != before {
			t.Errorf("a form of %s: %d", name, h.status)
		}
	}
	b.open(asked.url).last().switches()
	// The link of the page goes on as who is signed in.
	if e := b.open(asked.button()).last().upstream(); e.URI != "/page?x=1" || e.Header.Get("X-Wechat-Openid") != carol {
		t.Errorf("kept: %s as %s", e.URI, e.Header.Get("X-Wechat-Openid"))
	}
	// Another browser has no use for the page's address.
	thief := w.webView("bob")
	if h := thief.send(http.MethodPost, confirm, "", "Origin", shop); thief.session() != "" || h.location() != shop+"/page?x=1" {
		t.Errorf("a thief: %d %s", h.status, h.location())
	}
	h := b.send(http.MethodPost, confirm, "", "Origin", shop)
	if h.status != http.StatusSeeOther || h.location() != shop+"/page?x=1" {
		t.Fatalf("the button: %d %s", h.status, h.location())
	}
	if got := b.open(h.location()).last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("alice", miniApp) {
		t.Errorf("after the button: %s", got)
	}
}

// Who is signed in is not known while the store does not answer: nothing is
// replaced, and the ticket stays.
func TestTicketInOldKernelsWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	b := w.webView("carol")
	b.consents("/")
	before := b.session()
	second := b.send(http.MethodGet, "/page?wechat_ticket="+w.mini("alice").ticket(), "").location()
	w.reload()
	w.store.fail(session.ErrUnavailable)
	unavailable(t, b.send(http.MethodGet, second, ""), 5, 5)
	w.store.fail(nil)
	if b.session() != before {
		t.Error("replaced")
	}
	b.open(second).last().switches()
}

// Attack: where a sibling host can plant every cookie there is, on plain http
// or in a kernel that knows no __Host-, the attacker's confirmed code still
// replaces nobody's session without a question.
func TestAttackScanReplacesASessionInOldKernels(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	victim, phone := w.browser("alice"), w.browser("carol")
	alice := victim.open("/").last().upstream().Header.Get("X-Wechat-Openid")
	victim.ua = desktopUA
	before := victim.session()
	s := w.desktop("carol").shows("/x")
	phone.picks(phone.reads(s.code), s.number)
	victim.plant(s.wait, "__Secure-wechat-scan", s.cookies(s.wait)["__Secure-wechat-scan"])
	victim.dropSecrets()
	victim.secretsOf(s.browser)
	asked := victim.open(s.next).last()
	confirm := asked.switches()
	if victim.session() != before {
		t.Fatal("replaced")
	}
	if h := victim.send(http.MethodPost, confirm, "", "Origin", "https://evil.example"); h.status != http.StatusForbidden || victim.session() != before {
		t.Errorf("a form of another site: %d", h.status)
	}
	if e := victim.open(asked.button()).last().upstream(); e.URI != "/x" || e.Header.Get("X-Wechat-Openid") != alice {
		t.Errorf("kept: %s as %s", e.URI, e.Header.Get("X-Wechat-Openid"))
	}
	if h := victim.send(http.MethodPost, confirm, "", "Origin", shop); h.location() != shop+"/x" || victim.session() == before {
		t.Errorf("the button: %d %s", h.status, h.location())
	}
	if got := victim.open("/x").last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("carol", shopApp) {
		t.Errorf("after the button: %s", got)
	}
}

// Attack: the same with the attacker's own sign-in, for a visitor who has less
// than it asks for. It was begun by another person than is signed in: nothing
// is spent, and the visitor's own begins.
func TestAttackCallbackReplacesASessionOnPlainHTTP(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) { w.plain, w.inside = true, true })
	victim, attacker := w.browser("alice"), w.browser("carol")
	victim.open("/") // silently, as far as our consent page
	alice := victim.script(http.MethodGet, "/_wechat/session").json().User["openid"]
	before := victim.session()
	login := "/_wechat/login?return_to=%2Fx&scope=" + userinfo
	asked := attacker.open(login).last()
	id := consentID.FindStringSubmatch(asked.body)
	if id == nil || alice == "" {
		t.Fatalf("no consent page of WeChat's: %s", asked.url)
	}
	callback := attacker.send(http.MethodGet, "https://open.weixin.qq.com/connect/oauth2/consent?id="+id[1]+"&decision=allow", "").location()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	victim.plant(flowDir(u), "wechat-flow", attacker.cookies(u.Path)["wechat-flow"])
	for name := range victim.secrets() {
		victim.drop(name)
	}
	victim.secretsOf(attacker)
	spent := w.weChat.CountCalls(exchangePath)
	if h := victim.send(http.MethodGet, callback, ""); h.status != http.StatusFound || victim.session() != before || w.weChat.CountCalls(exchangePath) != spent {
		t.Fatalf("%d to %s", h.status, h.location())
	}
	if user := victim.script(http.MethodGet, "/_wechat/session").json().User; user["openid"] != alice {
		t.Errorf("signed in as %v, was %v", user, alice)
	}
	// What the visitor begins is theirs.
	v := victim.open(login)
	if v = append(v, victim.decide(v.last(), "allow")...); v.last().upstream().Header.Get("X-Wechat-Openid") != alice {
		t.Errorf("%s", v)
	}
}
