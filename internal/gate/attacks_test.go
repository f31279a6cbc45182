package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Attack 13: a code that is spent before its state is checked. For each broken
// check nothing is asked of WeChat, and nobody is signed in.
func TestAttack13CodeIsSpentLast(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *town, b *browser, u *url.URL){
		"state of another flow": func(w *town, b *browser, u *url.URL) {
			_, state := parts(w.t, b.until("/other"))
			set(u, "state", state)
		},
		"no state":          func(_ *town, _ *browser, u *url.URL) { set(u, "state", "") },
		"cut state":         func(_ *town, _ *browser, u *url.URL) { set(u, "state", u.Query().Get("state")[1:]) },
		"state with a tail": func(_ *town, _ *browser, u *url.URL) { set(u, "state", u.Query().Get("state")+"https://x") },
		"state before junk": func(_ *town, _ *browser, u *url.URL) { u.RawQuery += "&state=junk" },
		"two codes":         func(_ *town, _ *browser, u *url.URL) { u.RawQuery = "code=another&" + u.RawQuery },
		"code emptied":      func(_ *town, _ *browser, u *url.URL) { u.RawQuery += "&code=" },
		"a query too long":  func(_ *town, _ *browser, u *url.URL) { u.RawQuery += "&x=" + strings.Repeat("a", 5000) },
		"no binding cookie": func(_ *town, b *browser, _ *url.URL) { b.client.Jar = nil },
		"binding of another": func(_ *town, b *browser, u *url.URL) {
			b.plant(flowDir(u), "__Secure-wechat-flow", strings.Repeat("A", 26))
		},
		"no secret of the browser": func(_ *town, b *browser, _ *url.URL) { b.dropSecrets() },
		"a secret of another": func(w *town, b *browser, _ *url.URL) {
			b.dropSecrets()
			other := w.browser("carol")
			other.until("/y")
			b.secretsOf(other)
		},
		"id of another": func(_ *town, _ *browser, u *url.URL) {
			u.Path = strings.Replace(u.Path, flowDir(u), "/_wechat/callback/"+strings.Repeat("A", 26), 1)
		},
		"sealed cut":      func(_ *town, _ *browser, u *url.URL) { u.Path = u.Path[:len(u.Path)-4] },
		"sealed changed":  func(_ *town, _ *browser, u *url.URL) { u.Path = u.Path[:len(u.Path)-8] + "AAAAAAAA" },
		"no sealed flow":  func(_ *town, _ *browser, u *url.URL) { u.Path = flowDir(u) },
		"nothing":         func(_ *town, _ *browser, u *url.URL) { u.Path = "/_wechat/callback/" },
		"another segment": func(_ *town, _ *browser, u *url.URL) { u.Path += "/x" },
		"escaped slash": func(_ *town, _ *browser, u *url.URL) {
			u.RawPath = strings.Replace(u.Path, "callback/", "callback%2F", 1)
		},
		"garbage": func(_ *town, _ *browser, u *url.URL) {
			u.Path = "/_wechat/callback/\x00\xff/../;a=b/" + strings.Repeat("%", 99)
		},
	} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		u, err := url.Parse(b.until("/x"))
		if err != nil {
			t.Fatal(err)
		}
		spoil(w, b, u)
		h := b.send(http.MethodGet, u.String(), "")
		if n := w.weChat.CountCalls(exchangePath); n != 0 {
			t.Errorf("%s: %d codes spent", name, n)
		}
		if h.status != http.StatusFound {
			t.Errorf("%s: %d %q, want a fresh dance", name, h.status, h.kind())
		}
		if strings.Contains(strings.Join(h.header["Set-Cookie"], "\n"), "__Host-wechat=") {
			t.Errorf("%s: signed in", name)
		}
	}
}

func set(u *url.URL, name, value string) {
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
}

// flowDir is the path of a callback up to the flow's id.
func flowDir(u *url.URL) string { return u.Path[:strings.LastIndexByte(u.Path, '/')] }

func TestHeadAndPostOnCallbackSpendNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/x")
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
		if h := b.send(method, callback, ""); h.status != http.StatusMethodNotAllowed || h.header.Get("Allow") != http.MethodGet {
			t.Errorf("%s: %d, Allow %q", method, h.status, h.header.Get("Allow"))
		}
	}
	if n := w.weChat.CountCalls(exchangePath); n != 0 {
		t.Errorf("%d codes spent", n)
	}
	b.open(callback).last().upstream()
}

// Attack 12 (and 21): session fixation. What was planted before the sign-in is
// worth nothing after it.
func TestAttack12SessionFixation(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	attacker, victim := w.browser("carol"), w.browser("alice")
	attacker.open("/")
	planted := attacker.session()
	callback := victim.until("/x")
	victim.plant("/", "__Host-wechat", "garbage")
	victim.open(callback)
	if got := victim.session(); got == "garbage" || got == planted || got == "" {
		t.Errorf("the planted value stays: %q", got)
	}
	// A step-up draws a new session too.
	w.need["/account"] = wechat.ScopeUserInfo
	before := victim.session()
	victim.consents("/account")
	if victim.session() == before {
		t.Error("more rights, the same session")
	}
	if len(w.log.lines(`"msg":"signed in"`)) != 3 {
		t.Errorf("%q", w.log.lines("signed in"))
	}
}

// Attack 18: a session made for another account, site or key.
func TestAttack18ForeignSessions(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	user := b.open("/").last().upstream().Header.Get("X-Wechat-User")
	openID := w.weChat.OpenID("alice", shopApp)
	seal := func(keys string, site, app string, guest bool) string {
		ring, err := session.NewRing(keys)
		if err != nil {
			t.Fatal(err)
		}
		s := session.New(session.Binding{Site: site, AppID: app}, user, openID, session.ScopeUserInfo)
		if guest {
			s.Guest, s.Person, s.OpenID = true, "", ""
		}
		value, err := session.Sealed{Keys: ring}.Save(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	own := seal(ringKey, shop, shopApp, false)
	for name, value := range map[string]string{
		"account": seal(ringKey, shop, otherApp, false),
		"site":    seal(ringKey, "https://other.example.com", shopApp, false),
		"http":    seal(ringKey, "http://shop.example.com", shopApp, false),
		"port":    seal(ringKey, shop+":8443", shopApp, false),
		"key":     seal("another-key-another-key-another-key-another-key", shop, shopApp, false),
		"guest":   seal(ringKey, shop, shopApp, true),
		"cut":     own[:len(own)-1],
		"altered": "A" + own[1:],
		"empty":   "",
		"long":    strings.Repeat("A", 5000),
	} {
		other := w.browser("carol")
		other.plant("/", "__Host-wechat", value)
		if h := other.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, h.status)
		}
	}
	other := w.browser("carol")
	other.plant("/", "__Host-wechat", own)
	if got := other.script(http.MethodGet, "/").upstream().Header.Get("X-Wechat-User"); got != user {
		t.Errorf("the session made by the same rules is not read: %q", got)
	}
	other = w.browser("carol")
	other.plant("/", "wechat", own)
	if h := other.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("the name without __Host- counts on https: %d", h.status)
	}
}

// Attacks 16, 42, 43: hostile Cookie headers neither crash nor open anything,
// and the app's own cookies arrive byte for byte.
func TestAttack16And42And43CookieHeaders(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	good := "__Host-wechat=" + b.session()
	b.client.Jar = nil
	for _, c := range []struct{ cookie, left string }{
		{good, ""},
		{"JSESSIONID=1; " + good + "; a=b", "JSESSIONID=1; a=b"},
		{"__Host-wechat=bad; " + good, ""},
		{"__Host-wechat=" + strings.Repeat("A", 400) + "; x=\"y z\"; " + good, `x="y z"`},
		{`a="` + "; " + good + "; =; ;;__Host-wechat_9of1=x; __Host-wechat_1of99999999=y", `a="; =; ;;__Host-wechat_9of1=x; __Host-wechat_1of99999999=y`},
	} {
		got := b.script(http.MethodGet, "/", "Cookie", c.cookie).upstream().Header
		if got.Get("X-Wechat-Openid") != w.weChat.OpenID("alice", shopApp) {
			t.Errorf("%.60q: headers %v", c.cookie, got)
		}
		if got.Get("Cookie") != c.left {
			t.Errorf("%.60q: the app sees %q, want %q", c.cookie, got.Get("Cookie"), c.left)
		}
	}
	for _, cookie := range []string{"=", ";", "__Host-wechat", "__Host-wechat=", "__Host-wechat==", `__Host-wechat="`, "__Host-wechat=%00", strings.Repeat("__Host-wechat=x;", 500), "\xff=\xff"} {
		if h := b.script(http.MethodGet, "/", "Cookie", cookie); h.status != http.StatusUnauthorized {
			t.Errorf("%.40q: %d", cookie, h.status)
		}
	}
}

// Attack 20 and 41: whatever the path and method, what a visitor claims about
// identity is gone, also where nothing is set in its place.
func TestAttack20And41ClaimsNeverArrive(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.access["/public"], w.access["/optional"] = site.Public, site.Optional
		w.gate.Rules.Headers = map[site.Field]string{site.FieldOpenID: "X-Remote-User", site.FieldUser: site.HeaderOff}
		w.gate.Rules.OutsideWeChat = site.OutsidePass
	})
	claims := []string{
		"X-Remote-User", "oForged", "x_remote_user", "oForged", "X-Wechat-Openid", "oForged", "X-Wechat-User", "forged", "X_WECHAT_UNIONID", "oForged",
		"X.Wechat.Scope", "snsapi_userinfo", "X-Wechat-Nickname", "forged", "X-Wechat-Phone", "1", "X-Wechat-Snapshot", "1", "Connection", "close, X-Remote-User",
	}
	nobody, alice := w.browser("carol"), w.browser("alice")
	nobody.ua = desktopUA
	alice.open("/")
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions, http.MethodPut, "PROPFIND"} {
		for _, path := range []string{"/", "/public", "/optional"} {
			for name, value := range nobody.script(method, path, claims...).upstream().Header {
				if strings.Contains(strings.Join(value, ","), "orged") || strings.HasPrefix(name, "X-Wechat") || name == "X-Remote-User" {
					t.Errorf("%s %s, nobody: %s: %q", method, path, name, value)
				}
			}
			got := alice.script(method, path, claims...).upstream().Header
			if want := w.weChat.OpenID("alice", shopApp); len(got["X-Remote-User"]) != 1 || got.Get("X-Remote-User") != want {
				t.Errorf("%s %s, alice: %q", method, path, got["X-Remote-User"])
			}
			if strings.Contains(strings.Join(got["Connection"], ","), "emote") || got.Get("X-Wechat-User") != "" || got.Get("X-Wechat-Scope") != base {
				t.Errorf("%s %s, alice: %v", method, path, got)
			}
		}
	}
}

// Attack 18, the dance: a callback of another site or account is a stranger's,
// though all sites share one key.
func TestAttack18ForeignCallbacks(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(w *town, callback string) string{
		"site": func(_ *town, callback string) string {
			return strings.Replace(callback, shop, "https://other.example.com", 1)
		},
		"account": func(w *town, callback string) string {
			w.gate.Account.Credentials.AppID = otherApp
			return callback
		},
	} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		callback := b.until("/x")
		u, err := url.Parse(callback)
		if err != nil {
			t.Fatal(err)
		}
		binding := b.cookies(u.Path)["__Secure-wechat-flow"]
		h := b.send(http.MethodGet, move(w, callback), "", "Cookie", "__Secure-wechat-flow="+binding)
		if n := w.weChat.CountCalls(exchangePath); n != 0 || h.status != http.StatusFound || binding == "" {
			t.Errorf("%s: %d codes spent, %d", name, n, h.status)
		}
	}
}
