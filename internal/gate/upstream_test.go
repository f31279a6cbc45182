package gate_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// demanding is an upstream that answers status with X-Wechat-Require until the
// visitor has what it wants.
func demanding(status int, want wechat.Scope) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		has := r.Header.Get("X-Wechat-Scope")
		if has == string(want) || want == wechat.ScopeBase && has != "" {
			echo(w, r)
			return
		}
		w.Header().Set(gate.HeaderRequire, string(want))
		w.WriteHeader(status)
		_, _ = w.Write([]byte("the app's own words"))
	}
}

func TestRequireConsent(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.upstream = demanding(status, wechat.ScopeUserInfo) })
		b := w.browser("alice")
		page := b.open("/profile?x").last()
		if page.kind() != "consent" || strings.Contains(page.body, "own words") {
			t.Fatalf("%d: %d %q", status, page.status, page.kind())
		}
		if h := b.script(http.MethodPost, "/api", "Referer", shop+"/profile"); h.status != http.StatusUnauthorized || h.json().Error != "consent_required" ||
			h.json().RedirectURL != shop+"/_wechat/login?return_to=%2Fprofile&scope=snsapi_userinfo" {
			t.Errorf("%d: a script hears %s", status, h.body)
		}
		if h := b.form("/profile", nil); h.status != status || !strings.Contains(h.body, "own words") {
			t.Errorf("%d: a form is answered with %d %q", status, h.status, h.kind())
		}
		if done := b.decide(b.open(page.button()).last(), "allow").last(); done.url != shop+"/profile?x" || done.upstream().Header.Get("X-Wechat-Scope") != userinfo {
			t.Errorf("%d: back at %s", status, done.url)
		}
	}
}

func TestRequireSignInOnAPublicPath(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) {
		w.access["/public"], w.access["/open"] = site.Public, site.Optional
		w.upstream = demanding(http.StatusUnauthorized, wechat.ScopeBase)
	})
	v := w.browser("alice").open("/public?x")
	if v.last().url != shop+"/public?x" || v.last().upstream().Header.Get("X-Wechat-Openid") == "" || !slices.Equal(v.scopes(), []string{base}) {
		t.Errorf("%s", v)
	}
	if h := w.browser("carol").script(http.MethodGet, "/public"); h.status != http.StatusUnauthorized || h.json().Error != "not_signed_in" {
		t.Errorf("a script hears %s", h.body)
	}
	b := w.browser("carol")
	b.ua = desktopUA
	if h := b.open("/public").last(); h.kind() != "open_in_wechat" {
		t.Errorf("outside WeChat: %d %q", h.status, h.kind())
	}
}

// An app that asks for what is there, or was declined, or for nothing we know:
// its own answer stands, and nobody is sent round.
func TestRequireInVain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		want   string
	}{
		"there already":      {http.StatusForbidden, base},
		"not an error":       {http.StatusOK, userinfo},
		"another error":      {http.StatusNotFound, userinfo},
		"a redirect":         {http.StatusNotModified, userinfo},
		"unheard-of":         {http.StatusForbidden, "snsapi_login"},
		"several":            {http.StatusForbidden, base + "," + userinfo},
		"with a line of its": {http.StatusForbidden, userinfo + " "},
	} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
			w.upstream = func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set(gate.HeaderRequire, c.want)
				rw.WriteHeader(c.status)
			}
		})
		h := w.browser("alice").open("/").last()
		if h.status != c.status || h.header.Get("X-Upstream") == "" || h.header.Get(gate.HeaderRequire) != "" {
			t.Errorf("%s: %d %q", name, h.status, h.kind())
		}
	}
}

// An app that misspells what it asks for would never hear of it otherwise: the
// log says so, once a minute and not once for each visitor.
func TestAnswerWithoutMeaningIsLogged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, value string
		status, lines int
		shown         string
	}{
		"a scope without its prefix": {gate.HeaderRequire, "userinfo", http.StatusForbidden, 1, `"value":"userinfo"`},
		"on an answer that is fine":  {gate.HeaderRequire, "userinfo", http.StatusOK, 1, "snsapi_userinfo or snsapi_base"},
		"very long":                  {gate.HeaderRequire, strings.Repeat("x", 5000), http.StatusForbidden, 1, strings.Repeat("x", 64) + `…"`},
		"a scope":                    {gate.HeaderRequire, base, http.StatusForbidden, 0, ""},
		"a logout in words":          {gate.HeaderLogout, "true", http.StatusOK, 1, `"value":"true"`},
		"no logout":                  {gate.HeaderLogout, "0", http.StatusOK, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
				w.upstream = func(rw http.ResponseWriter, _ *http.Request) {
					rw.Header().Set(c.header, c.value)
					rw.WriteHeader(c.status)
				}
			})
			b := w.browser("alice")
			b.open("/")
			b.open("/")
			lines := w.log.lines("with an unknown value")
			if len(lines) != c.lines {
				t.Fatalf("%d lines, want %d: %q", len(lines), c.lines, lines)
			}
			if c.lines == 1 && (!strings.Contains(lines[0], c.shown) || !strings.Contains(lines[0], c.header) || !strings.Contains(lines[0], `"WARN"`)) {
				t.Errorf("the line is %q, want %s and %s in it", lines[0], c.header, c.shown)
			}
		})
	}
}

// A liar of an app: it says 401 to everybody, whatever they have.
func TestRequireNeverLoops(t *testing.T) {
	t.Parallel()
	always := func(want string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(gate.HeaderRequire, want)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.upstream = always(userinfo) })
	b := w.browser("alice")
	if h := b.consents("/").last(); h.status != http.StatusUnauthorized || h.header.Get("X-Upstream") == "" {
		t.Errorf("after consent: %d %q", h.status, h.kind())
	}
	// And a browser that keeps no session meanwhile.
	w = newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.upstream = always(base)
		w.access["/"] = site.Public
	})
	b = w.browser("alice")
	b.keep = func(name string) bool { return name != "__Host-wechat" }
	if v := b.open("/"); v.last().kind() != "cookies_off" || len(v.scopes()) != 3 {
		t.Errorf("%d %q%s", v.last().status, v.last().kind(), v)
	}
}

// Who just declined is not asked the same thing at once.
func TestRequireAfterADecline(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), rules(allowDeclined), func(w *town) {
		w.upstream = demanding(http.StatusForbidden, wechat.ScopeUserInfo)
	})
	b := w.browser("alice")
	if kind := b.open("/").last().kind(); kind != "consent" {
		t.Fatalf("%q", kind)
	}
	if h := b.open(b.form("/_wechat/decline", nil).location()).last(); h.status != http.StatusForbidden || h.header.Get("X-Upstream") == "" {
		t.Errorf("%d %q", h.status, h.kind())
	}
}

// Attack: an app that nags. While a decline holds, it has a visitor asked three
// times more at most; then its own answer stands, whatever the visitor did with
// the question. Scripts are told what is missing, and ask nobody.
func TestRequireAsksThreeTimes(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, answer := range map[string]func(*browser){
		"declines again":  func(b *browser) { b.form("/_wechat/decline", nil) },
		"does not answer": func(*browser) {},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newTownWith(t, c, scope(wechat.ScopeBase), rules(allowDeclined), func(w *town) {
				w.inside = true
				w.upstream = demanding(http.StatusForbidden, wechat.ScopeUserInfo)
			})
			b := w.browser("alice")
			if kind := b.open("/").last().kind(); kind != "consent" {
				t.Fatalf("%q", kind)
			}
			b.form("/_wechat/decline", nil)
			asked := 0
			for range 20 {
				time.Sleep(time.Minute + time.Second)
				h := b.open("/").last()
				if h.kind() != "consent" {
					if h.status != http.StatusForbidden || h.header.Get("X-Upstream") == "" {
						t.Errorf("%s: %d %q", name, h.status, h.kind())
					}
					continue
				}
				asked++
				answer(b)
			}
			if asked != 3 {
				t.Errorf("%s: asked %d times", name, asked)
			}
			time.Sleep(25 * time.Hour)
			if kind := b.open("/").last().kind(); kind != "consent" {
				t.Errorf("%s: after a day: %q", name, kind)
			}
			// Who signs in anew begins anew.
			b.form("/_wechat/logout", nil)
			b.open("/")
			b.form("/_wechat/decline", nil)
			time.Sleep(2 * time.Minute)
			if kind := b.open("/").last().kind(); kind != "consent" {
				t.Errorf("%s: a new session: %q", name, kind)
			}
			// Who consents by hand is asked no more, and nothing is counted.
			if !strings.HasPrefix(b.cookies("/")["__Host-wechat-asked"], "1.") {
				t.Errorf("%s: not counted: %v", name, b.cookies("/"))
			}
			h := b.open("/_wechat/login?scope=snsapi_userinfo").last()
			if strings.HasPrefix(h.url, "https://open.weixin.qq.com/") { // WeChat remembers the first one's
				h = b.decide(h, "allow").last()
			}
			h.upstream()
			if _, there := b.cookies("/")["__Host-wechat-asked"]; there {
				t.Errorf("%s: still counted", name)
			}
		})
	}
}

// A guest of a snapshot cannot consent: the app's answer stands.
func TestRequireOfAGuest(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), rules(snapshotGuest), func(w *town) {
		w.upstream = demanding(http.StatusForbidden, wechat.ScopeUserInfo)
	})
	w.weChat.answer(virtual)
	if v := w.browser("alice").open("/"); v.last().status != http.StatusForbidden || len(v.scopes()) != 1 {
		t.Errorf("%d%s", v.last().status, v)
	}
}

func TestLogoutByUpstream(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.access["/public"] = site.Public
		w.upstream = func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.RawQuery, "logout") {
				rw.Header().Set(gate.HeaderLogout, "1")
				rw.Header().Set(gate.HeaderRequire, userinfo) // makes no sense: the logout counts
				rw.Header().Set("Set-Cookie", "JSESSIONID=; Max-Age=0")
			}
			echo(rw, r)
		}
	})
	b, thief := w.browser("alice"), w.browser("carol")
	b.open("/")
	thief.plant("/", "__Host-wechat", b.session())
	h := b.send(http.MethodGet, "/?logout", "")
	if h.upstream(); b.session() != "" || h.header.Get(gate.HeaderLogout) != "" || h.header.Get(gate.HeaderRequire) != "" {
		t.Errorf("cookies %v, headers %v", b.cookies("/"), h.header)
	}
	if !slices.Contains(h.header["Set-Cookie"], "JSESSIONID=; Max-Age=0") {
		t.Errorf("the app's own cookie is lost: %q", h.header["Set-Cookie"])
	}
	if h := thief.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("attack 36: the cookie of before lives on: %d", h.status)
	}
	if h := thief.send(http.MethodGet, "/public?logout", ""); h.status != http.StatusOK || len(h.header["Set-Cookie"]) != 1 {
		t.Errorf("nobody is signed out: %d %q", h.status, h.header["Set-Cookie"])
	}
}

// The store is away: the visitor at least loses the cookie, the operator hears.
func TestLogoutByUpstreamWithoutStore(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.upstream = func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "logout" {
				rw.Header().Set(gate.HeaderLogout, "1")
			}
			echo(rw, r)
		}
	})
	b := w.browser("alice")
	b.open("/")
	w.store.fail(http.ErrHandlerTimeout)
	if h := b.send(http.MethodGet, "/?logout", ""); h.status != http.StatusOK || b.session() != "" {
		t.Errorf("%d, session %q", h.status, b.session())
	}
	if len(w.log.lines("could not end the session that the app signed out")) != 1 {
		t.Error("the operator does not hear of it")
	}
}
