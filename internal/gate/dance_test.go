package gate_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func TestFirstVisit(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	const target = "/shop/%E5%95%86.jsp;v=1?id=1&id=2&next=%2Fx&from=singlemessage&q=%E5%80%BC"

	silent := b.open(target)
	if got := silent.scopes(); !slices.Equal(got, []string{base}) {
		t.Errorf("asked for %v", got)
	}
	page := silent.last()
	if page.kind() != "consent" || page.status != http.StatusOK || page.url != w.origin()+target {
		t.Fatalf("%s: %d %s%s", page.url, page.status, page.kind(), silent)
	}
	if w.passed.Load() != 0 {
		t.Error("a request reached the upstream before consent")
	}
	begun := b.open(page.button())
	if got := begun.scopes(); !slices.Equal(got, []string{userinfo}) {
		t.Errorf("the button asked for %v", got)
	}
	done := b.decide(begun.last(), "allow").last()
	if done.url != w.origin()+target {
		t.Errorf("back at %s, want %s", done.url, w.origin()+target)
	}
	got := done.upstream()
	if got.URI != target || got.Method != http.MethodGet {
		t.Errorf("the upstream got %s %s", got.Method, got.URI)
	}
	nickname, err := url.QueryUnescape(got.Header.Get("X-Wechat-Nickname"))
	if err != nil || nickname != "小明 🐼" {
		t.Errorf("nickname %q, %v", nickname, err)
	}
	for name, want := range map[string]string{
		"X-Wechat-Openid":   w.weChat.OpenID("alice", shopApp),
		"X-Wechat-Unionid":  w.weChat.UnionID("alice", shopApp),
		"X-Wechat-App-Id":   shopApp,
		"X-Wechat-Account":  "main",
		"X-Wechat-Scope":    userinfo,
		"X-Wechat-Avatar":   url.QueryEscape("https://thirdwx.qlogo.cn/mmopen/alice/132"),
		"X-Wechat-Snapshot": "",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
	if id := got.Header.Get("X-Wechat-User"); len(id) != 26 {
		t.Errorf("X-Wechat-User: %q", id)
	}
	if n := w.weChat.CountCalls(exchangePath); n != 2 {
		t.Errorf("%d codes spent", n)
	}
	if again := b.open("/"); len(again) != 1 {
		t.Errorf("a signed-in visitor is sent round: %s", again)
	}
}

func TestCookiesOfADance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plain                            bool
		secret, binding, session, landed string
	}{
		{
			false, `^__Host-wechat-browser-[a-z2-7]{6}=[A-Z2-7]{26}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`,
			`^__Secure-wechat-flow=[A-Z2-7]{26}; Path=/_wechat/callback/[A-Z2-7]{26}; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`,
			`^__Host-wechat=[A-Za-z0-9_-]+; Path=/; Max-Age=60[0-9]{4}; HttpOnly; SameSite=Lax; Secure$`,
			`^__Host-wechat-landed=1\.[A-Za-z0-9_-]{54}; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax$`,
		},
		{
			true, `^wechat-browser-[a-z2-7]{6}=[A-Z2-7]{26}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax$`,
			`^wechat-flow=[A-Z2-7]{26}; Path=/_wechat/callback/[A-Z2-7]{26}; Max-Age=600; HttpOnly; SameSite=Lax$`,
			`^wechat=[A-Za-z0-9_-]+; Path=/; Max-Age=60[0-9]{4}; HttpOnly; SameSite=Lax$`,
			`^wechat-landed=1\.[A-Za-z0-9_-]{54}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax$`,
		},
	} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.plain, w.inside = c.plain, true })
		v := w.browser("alice").open("/x")
		if len(v) != 4 { // away, at WeChat's, back, there
			t.Fatalf("%s", v)
		}
		v[3].upstream()
		set := func(i int, want ...string) {
			lines := v[i].header["Set-Cookie"]
			if len(lines) != len(want) {
				t.Errorf("%s sets %q", v[i].url, lines)
				return
			}
			for j := range want {
				if !regexp.MustCompile(want[j]).MatchString(lines[j]) {
					t.Errorf("%s sets %s, want %s", v[i].url, lines[j], want[j])
				}
			}
		}
		set(0, c.secret, c.binding)
		set(2, c.session, c.landed)
		set(3)
	}
}

func TestFollowerIsConsentedSilently(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(func(r *site.Rules) { r.ConsentRedirect = true }))
	v := w.browser("bob").open("/x?y")
	if got := v.scopes(); !slices.Equal(got, []string{base, userinfo}) {
		t.Errorf("asked for %v", got)
	}
	if got := v.last().upstream().Header.Get("X-Wechat-Scope"); got != userinfo {
		t.Errorf("scope %q", got)
	}
}

func TestConsentRedirectShowsNoPageOfOurs(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(func(r *site.Rules) { r.ConsentRedirect = true }))
	b := w.browser("alice")
	v := b.open("/x?y")
	if got := v.scopes(); !slices.Equal(got, []string{base, userinfo}) {
		t.Errorf("asked for %v", got)
	}
	if done := b.decide(v.last(), "allow").last(); done.url != w.origin()+"/x?y" || done.upstream().Header.Get("X-Wechat-Scope") != userinfo {
		t.Errorf("back at %s", done.url)
	}
}

func TestKnownPersonInASecondBrowser(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	first := w.browser("alice").consents("/").last().upstream()
	b := w.browser("alice")
	v := b.open("/again")
	if got := v.scopes(); !slices.Equal(got, []string{base}) {
		t.Errorf("asked for %v", got)
	}
	kept, err := w.store.Load(t.Context(), b.session(), session.Binding{Site: shop, AppID: shopApp, Audience: session.Cookie})
	if err != nil || kept.Scope != session.ScopeUserInfo {
		t.Errorf("the session says %v, %v", kept, err)
	}
	again := v.last().upstream()
	for _, name := range []string{"X-Wechat-User", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Nickname", "X-Wechat-Avatar", "X-Wechat-Scope"} {
		if first.Header.Get(name) == "" || again.Header.Get(name) != first.Header.Get(name) {
			t.Errorf("%s: %q, first %q", name, again.Header.Get(name), first.Header.Get(name))
		}
	}
	if other := w.browser("carol").consents("/").last().upstream(); other.Header.Get("X-Wechat-User") == first.Header.Get("X-Wechat-User") {
		t.Error("two people are one")
	}
}

func TestScopeBaseIsSilent(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	v := w.browser("alice").open("/")
	got := v.last().upstream().Header
	if asked := v.scopes(); !slices.Equal(asked, []string{base}) || got.Get("X-Wechat-Scope") != base || w.weChat.CountCalls("userinfo") != 0 {
		t.Errorf("asked for %v, headers %v", asked, got)
	}
	for _, name := range []string{"X-Wechat-Nickname", "X-Wechat-Avatar", "X-Wechat-Unionid"} {
		if _, there := got[name]; there {
			t.Errorf("%s without consent", name)
		}
	}
}

// A person who was known by openid alone stays the same when WeChat tells more.
func TestUnionIDThatAppearsLaterKeepsTheUser(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.need["/account"] = wechat.ScopeUserInfo })
	b := w.browser("alice")
	before := b.open("/").last().upstream().Header
	b.consents("/account")
	after := b.open("/").last().upstream().Header
	if before.Get("X-Wechat-Unionid") != "" || after.Get("X-Wechat-Unionid") != w.weChat.UnionID("alice", shopApp) {
		t.Errorf("unionid %q, then %q", before.Get("X-Wechat-Unionid"), after.Get("X-Wechat-Unionid"))
	}
	if before.Get("X-Wechat-User") != after.Get("X-Wechat-User") {
		t.Error("the user has changed")
	}
}

// One session in two tabs: each dance ends where it began.
func TestParallelTabs(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	tabs := map[string]string{}
	for _, target := range []string{"/a", "/b?x=1", "/c"} {
		tabs[target] = b.until(target)
	}
	for target, callback := range tabs {
		if got := b.open(callback).last(); got.url != w.origin()+target {
			t.Errorf("the tab of %s ends at %s", target, got.url)
		}
	}
}

// Old apps have addresses in GBK, sent raw by old clients.
func TestRawBytesInTheQuerySurvive(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
	u := &url.URL{Scheme: "https", Host: "shop.example.com", Path: "/q", RawQuery: "k=\xb9\xfa&u=商&b=\\"}
	v := w.browser("alice").open(u.String())
	if got := v.last().upstream().URI; got != `/q?k=%B9%FA&u=%E5%95%86&b=\` {
		t.Errorf("the upstream got %q", got)
	}
}

// The exact address comes back, however long and whatever is in it.
func TestLongTargets(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
	for _, c := range []struct{ target, want string }{
		{"/?" + strings.Repeat("a&", 1023), "/?" + strings.Repeat("a&", 1023)},
		{"/sale/50%25", "/sale/50%25"},
		{"/?" + strings.Repeat("a", 2048), "/"},
	} {
		if got := w.browser("alice").open(c.target).last().upstream().URI; got != c.want {
			t.Errorf("%.40s…: the upstream got %.40s…", c.target, got)
		}
	}
}

func TestConfiguredOriginBehindAProxy(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.gate.Origin, w.plain, w.inside = shop, true, true })
	v := w.browser("alice").open("/x")
	v.last().upstream()
	if v.last().url != shop+"/x" {
		t.Errorf("back at %s", v.last().url)
	}
	if cookie := v[2].header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-wechat=") {
		t.Errorf("cookie %s", cookie)
	}
}
