package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack 45: an endpoint for scripts that says too much.
func TestAttack45SessionEndpointSaysLittle(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	nobody := b.script(http.MethodGet, "/_wechat/session", "Referer", shop+"/app")
	if got := nobody.json(); nobody.status != http.StatusUnauthorized || got.RedirectURL != shop+"/_wechat/login?return_to=%2Fapp" || got.User != nil {
		t.Errorf("nobody: %d %s", nobody.status, nobody.body)
	}
	b.consents("/")
	h := b.script(http.MethodGet, "/_wechat/session")
	user := h.json().User
	want := map[string]any{
		"openid": w.weChat.OpenID("alice", shopApp), "account": "main", "scope": userinfo, "nickname": "小明 🐼",
		"avatar": "https://thirdwx.qlogo.cn/mmopen/alice/132", "id": user["id"],
	}
	for name, value := range want {
		if user[name] != value || value == "" {
			t.Errorf("%s: %v, want %v", name, user[name], value)
		}
	}
	if len(user) != len(want) {
		t.Errorf("user %v", user)
	}
	secrets := append(w.weChat.Issued(), w.weChat.UnionID("alice", shopApp), b.session(), appSecret)
	for _, secret := range secrets {
		if strings.Contains(h.body, secret) {
			t.Errorf("the answer holds %q: %s", secret, h.body)
		}
	}
	if len(h.header["Set-Cookie"]) != 0 || h.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers %v", h.header)
	}
}

func TestLoginEndpoint(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	if got := b.open("/_wechat/login?return_to=" + url.QueryEscape(shop+"/x?a=b#/route")).last(); got.url != shop+"/x?a=b#/route" {
		t.Errorf("ends at %s", got.url)
	}
	got := b.send(http.MethodGet, "/_wechat/login?return_to=/y", "")
	if got.status != http.StatusSeeOther || got.location() != shop+"/y" {
		t.Errorf("signed in already: %d %s", got.status, got.location())
	}
	if got := b.send(http.MethodGet, "/_wechat/login?return_to=/y&scope=snsapi_userinfo", "").header.Get("Location"); !strings.Contains(got, "scope=snsapi_userinfo") {
		t.Errorf("more was asked for: %s", got)
	}
	if got := b.send(http.MethodGet, "/_wechat/login?scope=snsapi_login", ""); got.location() != shop+"/" {
		t.Errorf("an unknown scope is silent: %s", got.location())
	}
	stranger := w.browser("carol")
	if h := stranger.script(http.MethodGet, "/_wechat/login"); h.status != http.StatusUnauthorized || len(h.header["Set-Cookie"]) != 0 {
		t.Errorf("a script begins a dance: %d", h.status)
	}
}

// An address that was not percent-encoded ends at its first &: what is behind
// it would be lost in silence. What caches are told by beside an encoded one
// does no harm.
func TestLoginWithAnAddressThatIsCut(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	for _, c := range []struct{ query, want string }{
		{"return_to=/orders?id=7&tab=2", ""},
		{"return_to=/orders?id=7&tab", ""},
		{"return_to=/orders?id=7&_=1", ""},
		{"return_to=" + shop + "/orders?id=7&tab=2", ""},
		{"return_to=/orders?&=", ""},
		{"%72eturn_to=/orders?id=7&tab=2", ""},
		{"scope=snsapi_base&return_to=/orders?id=7&tab=2", ""},
		{"return_to=/orders?id=7&scope=week", ""},
		{"return_to=/login?x=1&return_to=/y", ""},
		{"return_to=/orders?id=7", "/orders?id=7"},
		{"return_to=/orders?id=7&", "/orders?id=7"},
		{"return_to=/orders?id=7&scope=snsapi_base", "/orders?id=7"},
		{"return_to=%2Forders%3Fid%3D7%26tab%3D2&_=123", "/orders?id=7&tab=2"},
		{"return_to=/orders%3Fid%3D7%26tab%3D2&t=1", "/orders?id=7&tab=2"},
		{"_=123&return_to=/orders?id=7", "/orders?id=7"},
		{"return_to=/orders&tab=2", "/orders"},
		{"return_to=/a.jsp;jsessionid=0A1B?x=1", "/a.jsp;jsessionid=0A1B?x=1"},
		{"return_to=/a%20b%22c%3E?d+e", "/a%20b%22c%3E?d%20e"},
	} {
		t.Run(c.query, func(t *testing.T) {
			h := b.send(http.MethodGet, "/_wechat/login?"+c.query, "")
			if c.want != "" {
				if h.status != http.StatusSeeOther || h.header.Get("Location") != shop+c.want {
					t.Errorf("%d %s, want %s", h.status, h.header.Get("Location"), c.want)
				}
				return
			}
			if got := h.json(); h.status != http.StatusBadRequest || got.Error != "bad_return_to" || !strings.Contains(got.Message, "encodeURIComponent") {
				t.Errorf("%d %s", h.status, h.body)
			}
		})
	}
}

// Attacks 1 to 3, 33, 34: the same lists as of request.CleanTarget stand in its
// own test; here, that login, decline and forwarding headers go through it.
func TestAttack33LoginStaysOnTheSite(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	for _, target := range []string{
		"//evil.example", `/\evil.example`, "https://evil.example/", "/%09/evil.example", shop + "@evil.example/", shop + ".evil.example",
		"/_wechat/logout", "javascript:alert(1)", "/x\r\nLocation: https://evil.example",
	} {
		b := w.browser("alice")
		if got := b.open("/_wechat/login?return_to="+url.QueryEscape(target), "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http").last(); got.url != shop+"/" {
			t.Errorf("%q leads to %s", target, got.url)
		}
		if got := b.send(http.MethodGet, "/_wechat/login?return_to="+url.QueryEscape(target), ""); got.location() != shop+"/" {
			t.Errorf("%q, signed in, leads to %s", target, got.location())
		}
		if got := b.form("/_wechat/decline", url.Values{"return_to": {target}}); got.location() != shop+"/" {
			t.Errorf("%q, declined, leads to %s", target, got.location())
		}
	}
}

// Attack 36 (CVE-2024-21492): a logout that only looks like one.
func TestAttack36LogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b, thief := w.browser("alice"), w.browser("carol")
	b.open("/")
	stolen := b.session()
	thief.plant("/", "__Host-wechat", stolen)
	thief.script(http.MethodGet, "/").upstream()
	h := b.form("/_wechat/logout", nil)
	if h.kind() != "signed_out" || b.session() != "" || b.cookies("/")["__Host-wechat-landed"] != "" {
		t.Errorf("%d %q, cookies %v", h.status, h.kind(), b.cookies("/"))
	}
	for _, address := range []string{"/", "/_wechat/session"} {
		if h := thief.script(http.MethodGet, address); h.status != http.StatusUnauthorized {
			t.Errorf("%s: the cookie of before lives on: %d", address, h.status)
		}
	}
	w.hub.Memory = new(site.Memory)
	if h := thief.script(http.MethodPost, "/_wechat/logout"); h.status != http.StatusOK || h.json().Code != http.StatusOK {
		t.Errorf("to sign out twice: %d %s", h.status, h.body)
	}
	// Signing in again works, with another session.
	if b.open("/").last().upstream(); b.session() == stolen {
		t.Error("the ended session is back")
	}
}

// Attack 37: actions that another site makes the browser do.
func TestAttack37PostsOfOtherSites(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), rules(func(r *site.Rules) { r.AllowDeclined = true }))
	b := w.browser("alice")
	b.open("/")
	session := b.session()
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"cross-site":            {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"same-site":             {[]string{"Sec-Fetch-Site", "same-site", "Origin", "https://evil.example.com"}, 403},
		"unheard-of":            {[]string{"Sec-Fetch-Site", "whatever"}, 403},
		"lies about its origin": {[]string{"Sec-Fetch-Site", "cross-site", "Origin", shop}, 403},
		"old browser":           {[]string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, 403},
		"old, null":             {[]string{"Sec-Fetch-Site", "", "Origin", "null"}, 403},
		"old, http":             {[]string{"Sec-Fetch-Site", "", "Origin", "http://shop.example.com"}, 403},
		"old, other port":       {[]string{"Sec-Fetch-Site", "", "Origin", shop + ":8443"}, 403},
		"old, like ours":        {[]string{"Sec-Fetch-Site", "", "Origin", shop + ".evil.example"}, 403},
	} {
		for _, address := range []string{"/_wechat/logout", "/_wechat/decline"} {
			h := b.form(address, url.Values{"return_to": {"/"}}, c.headers...)
			if h.status != c.want || h.json().Error != "cross_site" || len(h.header["Set-Cookie"]) != 0 {
				t.Errorf("%s, %s: %d %s", name, address, h.status, h.body)
			}
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions} {
		for _, address := range []string{"/_wechat/logout", "/_wechat/decline"} {
			if h := b.send(method, address, ""); h.status != http.StatusMethodNotAllowed || h.header.Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, Allow %q", method, address, h.status, h.header.Get("Allow"))
			}
		}
	}
	if b.session() != session || b.script(http.MethodGet, "/").status != http.StatusOK {
		t.Error("somebody else ended the session")
	}
	for name, headers := range map[string][]string{
		"typed":               {"Sec-Fetch-Site", "none"},
		"old browser":         {"Sec-Fetch-Site", "", "Origin", "https://SHOP.example.com:443"},
		"says nothing of it":  {"Sec-Fetch-Site", "", "Origin", ""},
		"a script of ours":    {"Sec-Fetch-Mode", "cors", "Accept", "*/*"},
		"a script, old phone": {"Sec-Fetch-Mode", "", "Sec-Fetch-Site", "", "X-Requested-With", "XMLHttpRequest"},
	} {
		if h := b.form("/_wechat/logout", nil, headers...); h.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, h.status, h.body)
		}
	}
}

func TestMethodsOfTheOtherEndpoints(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	for _, address := range []string{"/_wechat/session", "/_wechat/login"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			if h := b.send(method, address, ""); h.status != http.StatusMethodNotAllowed || h.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, address, h.status, h.header.Get("Allow"))
			}
		}
	}
	if h := b.send(http.MethodHead, "/_wechat/session", ""); h.status != http.StatusUnauthorized || h.body != "" {
		t.Errorf("HEAD: %d %q", h.status, h.body)
	}
}

// Nothing below our prefix reaches the upstream.
func TestUnknownEndpoints(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) {
		for _, p := range []string{"/_wechat", "/_wechat/", "/_wechat/x", "/_wechat/session/"} {
			w.access[p] = site.Public
		}
	})
	b := w.browser("alice")
	for _, address := range []string{"/_wechat", "/_wechat/", "/_wechat/x", "/_wechat/session/", "/_wechat/Session", "/_wechat/../x", "/_wechat//session", "/%5fwechat/x", "/_wechat%2fx", "/_wechat/callback"} {
		if h := b.send(http.MethodGet, address, ""); h.status != http.StatusNotFound || h.json().Error != "not_found" {
			t.Errorf("%s: %d %s", address, h.status, h.body)
		}
	}
	if w.passed.Load() != 0 {
		t.Error("something reached the upstream")
	}
}

func TestHostThatIsNoHost(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) { w.inside = true })
	for _, host := range []string{"shop.exämple.com", "[::1", "shop.example.com@evil.example", ""} {
		for _, path := range []string{"/", "/_wechat/login", "/_wechat/session"} {
			r := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: host, Path: path}, Header: http.Header{"Accept": {acceptAll}}}
			res, err := insider{w}.RoundTrip(r.WithContext(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("%q%s: %d", host, path, res.StatusCode)
			}
		}
	}
	if w.passed.Load() != 0 {
		t.Error("something reached the upstream")
	}
}
