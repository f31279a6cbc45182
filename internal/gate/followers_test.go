package gate_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const followPath = "/_wechat/follow"

var followForm = regexp.MustCompile(`<form class="actions" method="post" action="([^"]*)">\s*<input type="hidden" name="return_to" value="([^"]*)">`)

// fans makes the town one that admits only those who follow the shop's account:
// bob does.
func fans(w *town) {
	w.gate.Rules.AllowFollowers, w.gate.Rules.Scope = true, wechat.ScopeBase
	main := &wechat.GlobalToken{Client: w.hub.WeChat, Credentials: w.gate.Account.Credentials}
	w.t.Cleanup(main.Close)
	w.hub.Followers = &follow.Followers{
		Ask: func(ctx ctx, _, openID string) (bool, error) {
			f, err := main.Follower(ctx, openID)
			return f.Subscribed, err
		},
		Ledger: w.ledger, Memory: new(follow.Memory),
	}
	w.hub.FollowCode = func(ctx ctx, _ string) (page.Code, error) {
		address, err := main.FollowCode(ctx)
		return page.DrawCode(address), err
	}
}

// pushed is a push about somebody at this moment, as another gateway carries it
// out.
func (w *town) pushed(person string, state ledger.Follow) {
	w.t.Helper()
	if _, err := w.ledger.Follow(w.t.Context(), ledger.Following{
		AppID: shopApp, OpenID: w.weChat.OpenID(person, shopApp), Follow: state, Pushed: time.Now(),
	}); err != nil {
		w.t.Fatal(err)
	}
}

// follows makes somebody follow the shop's account, or not, without a push.
func (w *town) follows(person string, follows bool) {
	w.t.Helper()
	if err := w.weChat.SetFollow(person, shopApp, follows); err != nil {
		w.t.Fatal(err)
	}
}

// wantFollowPage fails unless a visit ended with the page that asks to follow,
// with a code or without, and reached nothing.
func (w *town) wantFollowPage(what string, h hop, code bool) {
	w.t.Helper()
	if h.status != http.StatusForbidden || h.kind() != "follow" || h.header.Get("X-Upstream") != "" || h.header.Get("Location") != "" {
		w.t.Errorf("%s: %d %q %s", what, h.status, h.kind(), h.header)
	}
	if drawn := strings.Contains(h.body, `<img class="code" src="data:image/png;base64,`); drawn != code {
		w.t.Errorf("%s: the page has a code: %t", what, drawn)
	}
	if policy := h.header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src data:;") || strings.Contains(h.body, "http://weixin.qq.com") {
		w.t.Errorf("%s: the browser asks another host: %s", what, policy)
	}
}

// Followers enter; others read a page, or JSON that says how to get in.
func TestFollowersEnter(t *testing.T) {
	t.Parallel()
	w := newTown(t, fans, counting)
	w.access["/public"] = site.Public
	bob := w.browser("bob")
	if got := bob.open("/").last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("bob", shopApp) {
		t.Errorf("a follower is %q", got)
	}
	b := w.browser("alice")
	w.wantFollowPage("who does not follow", b.open("/orders?id=7").last(), true)
	w.wantFollowPage("again", b.open("/orders?id=7").last(), true)
	for what, h := range map[string]hop{
		"a script": b.script(http.MethodGet, "/api"), "a socket": b.handshake("/socket", shop), "session": b.script(http.MethodGet, "/_wechat/session"),
	} {
		if v := h.json(); h.status != http.StatusForbidden || v.Error != "not_allowed" || !v.Follow || v.User != nil {
			t.Errorf("%s: %d %s", what, h.status, h.body)
		}
	}
	w.wantFollowPage("a form", b.form("/orders", nil), true)
	w.wantFollowPage("login", b.open("/_wechat/login?return_to=/orders").last(), true)
	if got := b.open("/public").last().upstream().Header.Get("X-Wechat-Openid"); got != "" {
		t.Errorf("a public path gets %q", got)
	}
	if n := w.weChat.CountCalls(wechattest.AtFollower); n != 2 {
		t.Errorf("WeChat was asked %d times about two visitors", n)
	}
	if n := w.weChat.CountCalls(wechattest.AtQRCode); n != 1 {
		t.Errorf("%d codes were made", n)
	}
	if w.passed.Load() != 2 || w.tally()["not_allowed"] != 5 {
		t.Errorf("%d requests reached the app, %v", w.passed.Load(), w.tally())
	}
	w.hub.Followers = nil
	w.reload()
	w.wantFollowPage("with none to ask", bob.open("/").last(), true)
}

// The button asks WeChat again at once, and goes on to the page that was asked
// for.
func TestFollowedButton(t *testing.T) {
	t.Parallel()
	w := newTown(t, fans)
	b := w.browser("alice")
	asked := b.open("/orders?id=7").last()
	w.wantFollowPage("at first", asked, true)
	m := followForm.FindStringSubmatch(asked.body)
	if m == nil || m[1] != followPath || m[2] != "/orders?id=7" {
		t.Fatalf("the form: %q", m)
	}
	tap := func(headers ...string) hop { return b.form(followPath, url.Values{"return_to": {m[2]}}, headers...) }
	h := tap()
	w.wantFollowPage("too early", h, true)
	if !strings.Contains(h.body, "您还没有关注公众号") && !strings.Contains(h.body, "You do not follow the account yet") {
		t.Errorf("it does not say why: %s", h.body)
	}
	w.follows("alice", true)
	if h := tap("Sec-Fetch-Site", "cross-site"); h.status != http.StatusForbidden || h.json().Error != "cross_site" {
		t.Errorf("from another site: %d %s", h.status, h.body)
	}
	if h := b.script(http.MethodPost, followPath, "Accept", "application/json", "Sec-Fetch-Site", "same-origin"); h.status != http.StatusOK {
		t.Errorf("a script: %d %s", h.status, h.body)
	}
	if h := tap(); h.status != http.StatusSeeOther || h.location() != shop+"/orders?id=7" {
		t.Errorf("%d to %s", h.status, h.location())
	}
	b.open("/orders?id=7").last().upstream()
	for target, want := range map[string]string{"https://evil.example/": shop + "/", "//evil.example": shop + "/", "/_wechat/logout": shop + "/"} {
		if h := b.form(followPath, url.Values{"return_to": {target}}); h.status != http.StatusSeeOther || h.location() != want {
			t.Errorf("%s: %d to %s", target, h.status, h.location())
		}
	}
	if h := b.open(followPath)[0]; h.status != http.StatusSeeOther || h.location() != shop+"/" {
		t.Errorf("the page was loaded again: %d to %s", h.status, h.header.Get("Location"))
	}
	stranger := w.browser("bob")
	if h := stranger.form(followPath, url.Values{"return_to": {"/orders"}}); h.status != http.StatusSeeOther || h.location() != shop+"/orders" {
		t.Errorf("without a session: %d to %s", h.status, h.location())
	}
	if h := stranger.script(http.MethodPost, followPath, "Accept", "application/json", "Sec-Fetch-Site", "same-origin"); h.status != http.StatusUnauthorized {
		t.Errorf("a script without a session: %d %s", h.status, h.body)
	}
	w.gate.Rules.AllowFollowers = false
	if h := tap(); h.status != http.StatusNotFound {
		t.Errorf("on a site for all: %d", h.status)
	}
}

// Attack: a visitor who does not follow taps the button of the page, or sends
// its form, without end. WeChat is asked a few times.
func TestAttackTapsWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newTown(t, fans)
	b := w.browser("alice")
	b.open("/")
	for range 100 {
		w.wantFollowPage("a tap", b.form(followPath, url.Values{"return_to": {"/"}}), true)
	}
	if n := w.weChat.CountCalls(wechattest.AtFollower); n > 5 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

// An unfollow closes the door at once, also for what is open, and a follow
// opens it.
func TestAttackUnfollowedStaysInside(t *testing.T) {
	t.Parallel()
	w, over := streaming(t, fans)
	b := w.browser("bob")
	b.open("/")
	for kind := range streams {
		b.stream(kind)
	}
	w.pushed("bob", ledger.FollowsNot)
	begun := time.Now()
	w.wantFollowPage("after the push", b.open("/").last(), true)
	for range streams {
		if kind, cut := within(over, time.Until(begun.Add(cutPatience))); !cut {
			t.Fatalf("something still runs: %s", kind)
		}
	}
	time.Sleep(time.Until(begun.Truncate(time.Second).Add(time.Second))) // a push of the same second would not count
	w.pushed("bob", ledger.Follows)
	if h := b.open("/").last(); h.status != http.StatusOK || h.header.Get("X-Upstream") == "" {
		t.Errorf("after a follow: %d %q", h.status, h.kind())
	}
	if n := w.weChat.CountCalls(wechattest.AtFollower); n != 1 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

// Attack: a visitor who unfollowed, and of whom no push tells, keeps a socket,
// a stream or a download open, and asks for nothing else. When the last answer
// is old, here because of a plain push, WeChat is asked all the same.
func TestAttackUnfollowedWithoutAPush(t *testing.T) {
	t.Parallel()
	w, over := streaming(t, fans)
	b := w.browser("bob")
	b.open("/")
	for kind := range streams {
		b.stream(kind)
	}
	w.follows("bob", false)
	w.pushed("bob", ledger.FollowUnknown)
	for range streams {
		if kind, cut := within(over, 10*time.Second); !cut {
			t.Fatalf("something still runs: %s", kind)
		}
	}
	if n := w.weChat.CountCalls(wechattest.AtFollower); n != 2 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

// While WeChat does not answer, the last answer holds; without one there is
// neither page nor app, but 503.
func TestFollowersWithoutWeChat(t *testing.T) {
	t.Parallel()
	w := newTown(t, fans, counting)
	w.access["/public"], w.access["/optional"] = site.Public, site.Optional
	bob, alice := w.browser("bob"), w.browser("alice")
	bob.open("/").last().upstream()
	alice.open("/")
	if err := w.weChat.SetQuirks(wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 48001, Endpoint: wechattest.AtFollower}}); err != nil {
		t.Fatal(err)
	}
	bob.open("/").last().upstream()
	w.wantFollowPage("who did not follow", alice.open("/").last(), true)
	w.wantFollowPage("and taps", alice.form(followPath, url.Values{"return_to": {"/"}}), true)
	b := w.browser("carol")
	h := b.open("/orders").last()
	if h.status != http.StatusServiceUnavailable || h.kind() != "unavailable" || h.header.Get("Retry-After") == "" || h.header.Get("X-Upstream") != "" {
		t.Errorf("with no answer: %d %q, Retry-After %q", h.status, h.kind(), h.header.Get("Retry-After"))
	}
	h = b.form(followPath, url.Values{"return_to": {"/orders"}})
	if h.status != http.StatusServiceUnavailable || h.kind() != "unavailable" || h.header.Get("Refresh") != "" {
		t.Errorf("who taps the button: %d %q, Refresh %q", h.status, h.kind(), h.header.Get("Refresh"))
	}
	// Its button leads on to a page that tries again by itself.
	again := regexp.MustCompile(`<a class="button primary" href="([^"]*)">再试一次</a>`).FindStringSubmatch(h.body)
	if again == nil {
		t.Fatalf("who taps the button gets a page without a button:\n%s", h.body)
	}
	if next := b.open(html.UnescapeString(again[1])).last(); next.kind() != "unavailable" || !strings.Contains(next.header.Get("Refresh"), "%2Forders") {
		t.Errorf("the button of that page leads to %s: %d %q, Refresh %q", next.url, next.status, next.kind(), next.header.Get("Refresh"))
	}
	if h := b.script(http.MethodGet, "/api"); h.status != http.StatusServiceUnavailable || h.json().Error != "unavailable" {
		t.Errorf("a script: %d %s", h.status, h.body)
	}
	for _, path := range []string{"/public", "/optional"} {
		if got := b.open(path).last().upstream().Header.Get("X-Wechat-Openid"); got != "" {
			t.Errorf("%s: the app gets %q", path, got)
		}
	}
	lines := w.log.lines("could not ask WeChat who follows; the last answer holds for a day")
	if len(lines) != 1 || !strings.Contains(lines[0], "48001") || !strings.Contains(lines[0], "fix") {
		t.Errorf("the log says %v", lines)
	}
	if n := w.tally()["follow_unknown"]; n != 2 {
		t.Errorf("%d decisions, want 2: %v", n, w.tally())
	}
	if n := w.weChat.CountCalls(wechattest.AtFollower); n != 3 {
		t.Errorf("WeChat was asked %d times: it is left alone after a failure", n)
	}
}

// The page also helps without a code, and the log says why there is none.
func TestFollowPageWithoutCode(t *testing.T) {
	t.Parallel()
	w := newTown(t, fans)
	if err := w.weChat.SetQuirks(wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 48001, Endpoint: wechattest.AtQRCode}}); err != nil {
		t.Fatal(err)
	}
	b := w.browser("alice")
	for range 100 {
		w.wantFollowPage("no permission", b.open("/").last(), false)
	}
	lines := slices.DeleteFunc(w.log.lines("no QR code on the page that asks to follow"), func(line string) bool { return strings.Contains(line, "DEBUG") })
	if len(lines) == 0 || len(lines) > 31 || !strings.Contains(lines[0], "fix") {
		t.Errorf("the log has %d lines: %v", len(lines), lines[:min(1, len(lines))])
	}
	if n := w.weChat.CountCalls(wechattest.AtQRCode); n != 1 {
		t.Errorf("WeChat was asked for a code %d times", n)
	}
}

// Attack: a visitor of another account of the site, who has no openid of the
// official account, or whose openid there does not follow, gets in because
// somebody else does.
func TestAttackFollowerOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, fans)
	mini := w.client("bob")
	h := mini.ask(http.MethodPost, miniLogin, map[string]string{"code": w.weChat.MiniProgramCode("bob", miniApp)})
	if v := h.hop.json(); h.status != http.StatusForbidden || v.Error != "not_allowed" || !v.Follow {
		t.Errorf("a mini program of a person without openid of the official account: %d %s", h.status, h.body)
	}
	if n := w.weChat.CountCalls(wechattest.AtFollower); n != 0 {
		t.Errorf("WeChat was asked about the openid of another account")
	}
	// With consent the unionid joins both accounts.
	w.browser("bob").open("/_wechat/login?return_to=/&scope=snsapi_userinfo").last().upstream() // WeChat does not ask followers
	if got := w.mini("bob").page("/").Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("bob", miniApp) {
		t.Errorf("a follower in the mini program: %q", got)
	}
	if err := w.weChat.SetFollow("alice", otherApp, true); err != nil {
		t.Fatal(err)
	}
	w.wantFollowPage("who follows another account", w.browser("alice").open("/").last(), true)
}

// Attack: a banned follower, or one whom deny names, gets in by following.
func TestAttackBannedFollower(t *testing.T) {
	t.Parallel()
	for name, keep := range keepOut {
		if name == "allow others" {
			continue // another alternative
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, fans)
			w.follows("alice", true)
			b := w.browser("alice")
			b.open("/_wechat/login?return_to=/&scope=snsapi_userinfo").last().upstream() // WeChat does not ask followers
			passed := w.passed.Load()
			keep(w, w.person("alice"))
			w.pushed("alice", ledger.Follows)
			w.wantOutside("a page", b.open("/"), passed)
			h := b.form(followPath, url.Values{"return_to": {"/"}})
			if h.status != http.StatusForbidden || h.kind() != "not_allowed" {
				t.Errorf("the button: %d %q", h.status, h.kind())
			}
			if v := b.script(http.MethodGet, "/api").json(); v.Follow || v.Error != "not_allowed" {
				t.Errorf("a script is told to follow: %+v", v)
			}
		})
	}
}

// Words of allow are alternatives: a person who is listed need not follow.
func TestListedNeedNotFollow(t *testing.T) {
	t.Parallel()
	w := newTown(t, fans)
	b := w.browser("alice")
	w.wantFollowPage("not listed", b.open("/").last(), true)
	w.allows(w.weChat.OpenID("alice", shopApp))
	b.open("/").last().upstream()
	w.browser("bob").open("/").last().upstream()
	w.wantFollowPage("others", w.browser("carol").open("/").last(), true)
}
