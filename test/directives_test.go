package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// wechat_auth beside the directives that sites really have: addresses come back
// as they were, paths are judged as the visitor sent them.
func TestBesideOtherDirectives(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{
		auth: "public /static/* @robots\n\t\tscope snsapi_base /base/*",
		before: `@robots path /robots.txt
	redir /old /new
	rewrite /pretty /index.jsp?page=pretty
	request_header X-Auth-User {http.auth.user.id}
	handle_path /app/* {
		reverse_proxy ` + w.app.address() + `
	}
	handle /plain/* {
		reverse_proxy ` + w.app.address() + `
	}
	handle_errors {
		respond "error {err.status_code}"
	}`,
	}))
	v := w.visitor("ming")
	for _, step := range []struct{ open, arrives string }{
		{"/app/deep/page?x=1", "/deep/page?x=1"},
		{"/plain/page", "/plain/page"},
		{"/pretty", "/index.jsp?page=pretty"},
	} {
		fresh := w.visitor("ming")
		if step.open == "/app/deep/page?x=1" {
			fresh = v // the first one also consents
		}
		a := fresh.signIn(w.site + step.open)
		if a.url != w.site+step.open || a.StatusCode != http.StatusOK {
			t.Errorf("%s ended at %s with %s", step.open, a.url, a.Status)
		}
		r := w.app.one(t)
		if r.uri != step.arrives {
			t.Errorf("%s arrived as %s", step.open, r.uri)
		}
		w.checkIdentity2(t, step.open, r)
		if step.open == "/pretty" && r.header.Get("X-Auth-User") != w.wechat.OpenID("ming", appID) {
			t.Errorf("request_header did not see the placeholder: %q", r.header.Get("X-Auth-User"))
		}
	}
	stranger := w.visitor("hong")
	for path, want := range map[string]int{
		"/old": http.StatusFound, "/static/a.css": http.StatusOK, "/robots.txt": http.StatusOK,
		"/static/../index.jsp": http.StatusFound, "/static/..;/index.jsp": http.StatusFound, "/static/%2e%2e/x": http.StatusFound,
		"/static//x": http.StatusFound, "/pretty?/static/": http.StatusFound, "/robots.txt;x": http.StatusFound,
		"/_wechat/nothing": http.StatusNotFound, "/_wechat/../x": http.StatusNotFound,
	} {
		status, _ := w.raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + w.port + "\r\nUser-Agent: " + phoneUA + "\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		if status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	for _, r := range w.app.take() {
		if r.uri != "/static/a.css" && r.uri != "/robots.txt" {
			t.Errorf("a stranger reached %s", r.uri)
		}
	}
	// A smaller scope on some paths: silently in, with the openid alone.
	if a := stranger.open(w.site + "/base/x"); a.StatusCode != http.StatusOK || a.url != w.site+"/base/x" {
		t.Errorf("/base/x ended at %s with %s", a.url, a.Status)
	}
	if got := identity(t, w.app.one(t)); got["x-wechat-scope"] != "snsapi_base" || got["x-wechat-nickname"] != "" || got["x-wechat-unionid"] != "" {
		t.Errorf("/base/x arrived as %v", got)
	}
	// And step-up elsewhere, back to the page.
	if a := stranger.signIn(w.site + "/account?a=b"); a.url != w.site+"/account?a=b" || a.StatusCode != http.StatusOK {
		t.Errorf("/account ended at %s with %s", a.url, a.Status)
	}
}

// Two sites of one server: a session of one is nothing on the other.
func TestSitesDoNotShareSessions(t *testing.T) {
	w := newWorld(t)
	other := freePort(t)
	w.load(w.caddyfile(options{}) + "\nhttp://127.0.0.1:" + other + " {\n\twechat_auth {\n\t\tscope snsapi_base\n\t}\n\treverse_proxy " + w.app.address() + "\n}\n")
	v := w.visitor("ming")
	v.signIn(w.site + "/")
	value := v.cookie(w.site, "wechat")
	w.app.take()
	thief := w.visitor("hong")
	a := thief.send(http.MethodGet, "http://127.0.0.1:"+other+"/", "", http.Header{"Cookie": {"wechat=" + value}, "Accept": {"*/*"}})
	if a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a session of another site: %s", a.Status)
	}
	if got := w.app.take(); len(got) > 0 {
		t.Errorf("the app was reached with %v", got)
	}
}

func TestVerifyFile(t *testing.T) {
	w := newWorld(t)
	text := strings.Replace(w.caddyfile(options{}), "app_secret {env.WECHAT_APP_SECRET}\n", "app_secret {env.WECHAT_APP_SECRET}\n\t\t\tverify_file MP_verify_AbCd1234.txt AbCd1234\n", 1)
	w.load(text)
	v := w.visitor("ming")
	a := v.send(http.MethodGet, w.site+"/MP_verify_AbCd1234.txt", "", nil)
	if a.StatusCode != http.StatusOK || a.body != "AbCd1234" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s %q %q", a.Status, a.body, a.Header.Get("Content-Type"))
	}
	if a := v.send(http.MethodPost, w.site+"/MP_verify_AbCd1234.txt", "", nil); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", a.Status)
	}
}

// What cannot follow a redirect gets 401, never a 302 to WeChat.
func TestScriptsAndSocketsGet401(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	v := w.visitor("ming")
	for name, header := range map[string]http.Header{
		"XHR":       {"X-Requested-With": {"XMLHttpRequest"}},
		"fetch":     {"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}},
		"image":     {"Accept": {"image/webp,*/*"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}},
		"old image": {"Accept": {"image/webp,*/*;q=0.8"}},
		"WebSocket": {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"13"}},
	} {
		a := v.send(http.MethodGet, w.site+"/api", "", header)
		if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Location") != "" || !strings.Contains(a.body, `"redirect_url":"`+w.site+`/_wechat/login`) {
			t.Errorf("%s: %s %s %s", name, a.Status, a.Header.Get("Location"), a.body)
		}
	}
	if a := v.send(http.MethodPost, w.site+"/form", "a=1", nil); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "<html") {
		t.Errorf("a posted form: %s %.80s", a.Status, a.body)
	}
	if got := w.app.take(); len(got) > 0 {
		t.Errorf("the app was reached: %v", got)
	}
}

// What the upstream says back to the gate never reaches the visitor.
func TestUpstreamSpeaksBack(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{auth: "scope snsapi_base"}))
	v := w.visitor("ming")
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Wechat-Require", "snsapi_userinfo")
		rw.Header().Set("Etag", `"upstream"`)
		if r.Header.Get("X-Wechat-Nickname") == "" {
			http.SetCookie(rw, &http.Cookie{Name: "JSESSIONID", Value: "1"})
			http.Error(rw, "upstream's own 403", http.StatusForbidden)
			return
		}
		if r.URL.Path == "/bye" {
			rw.Header().Set("X-Wechat-Logout", "1")
		}
		_, _ = rw.Write([]byte("<title>app</title>welcome"))
	})
	a := v.open(w.site + "/vip?x=1")
	if a.StatusCode != http.StatusOK || strings.Contains(a.body, "upstream") || a.Header.Get("Etag") != "" || !strings.Contains(a.body, "/_wechat/login") {
		t.Fatalf("consent was not asked: %s %q %.200s", a.Status, a.Header, a.body)
	}
	if a := v.send(http.MethodGet, w.site+"/vip", "", http.Header{"X-Requested-With": {"XMLHttpRequest"}}); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "consent_required") {
		t.Errorf("a script: %s %s", a.Status, a.body)
	}
	a = v.signIn(w.site + "/vip?x=1")
	if a.url != w.site+"/vip?x=1" || !strings.Contains(a.body, "welcome") {
		t.Fatalf("ended at %s with %.200s", a.url, a.body)
	}
	if a.Header.Get("X-Wechat-Require") != "" {
		t.Error("the visitor saw X-Wechat-Require")
	}
	a = v.send(http.MethodGet, w.site+"/bye", "", nil)
	if a.StatusCode != http.StatusOK || a.Header.Get("X-Wechat-Logout") != "" {
		t.Errorf("bye: %s %q", a.Status, a.Header)
	}
	if a := v.send(http.MethodGet, w.site+"/vip", "", http.Header{"Accept": {"*/*"}}); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the upstream's logout: %s", a.Status)
	}
}

// Named matchers see the address as the visitor sent it, whatever a rewrite
// made of it, and one that asks for more also meets the paths that only some
// servers read as its own.
func TestNamedMatchersSeeWhatTheVisitorSent(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{
		before: "@open path /app/open/*\n\t@acct path /account/*\n\t@wx expression wechat_browser()\n\trewrite * /app{uri}\n\theader @wx X-In-Wechat yes",
		auth:   "public @open\n\t\tscope snsapi_base\n\t\tscope snsapi_userinfo @acct",
	}))
	v := w.visitor("ming")
	if a := v.send(http.MethodGet, w.site+"/open/x", "", nil); a.StatusCode != http.StatusFound {
		t.Errorf("a rewrite opened a path: %s", a.Status)
	}
	a := v.open(w.site + "/page")
	if a.StatusCode != http.StatusOK || a.Header.Get("X-In-Wechat") != "yes" {
		t.Fatalf("%s, X-In-Wechat %q", a.Status, a.Header.Get("X-In-Wechat"))
	}
	w.app.take()
	cookie := "Cookie: wechat=" + v.cookie(w.site, "wechat") + "\r\n"
	for _, path := range []string{"/account/x", "/account;v=1/x", "/x/..;/account/y", "/account%3b/x", "/%2561ccount/x", `/a%5c..%5caccount/x`} {
		status, body := w.raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + w.port + "\r\nUser-Agent: " + phoneUA + "\r\nAccept: text/html\r\nConnection: close\r\n" + cookie + "\r\n")
		if status != http.StatusOK || !strings.Contains(body, "scope=snsapi_userinfo") {
			t.Errorf("%s: %d without the question", path, status)
		}
	}
	if got := w.app.take(); len(got) > 0 {
		t.Errorf("the app was reached: %v", got)
	}
}

// An answer that shared caches may keep never carries a session, whoever says
// that they may: the app, or a header directive beside it. One that says
// nothing carries it, and is private.
func TestSessionsAreNotCached(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{
		global: "session {\n\t\t\tidle 1m\n\t\t\tlifetime 5m\n\t\t}", auth: "scope snsapi_base\n\t\toptional /",
		before: "header /at-once Cache-Control max-age=600",
		proxy:  "handle /late {\n\t\theader >Cache-Control max-age=600\n\t\treverse_proxy " + w.app.address() + "\n\t}\n\treverse_proxy " + w.app.address(),
	}))
	v := w.visitor("ming")
	v.open(w.site + "/x")
	time.Sleep(8 * time.Second) // past an eighth of idle: the session is due
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		for name, values := range r.URL.Query() {
			rw.Header()[http.CanonicalHeaderKey(name)] = values
		}
		_, _ = rw.Write([]byte("ok"))
	})
	later := url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	for path, control := range map[string]string{
		"/":                                      "", // what the answer says where it is renewed
		"/x?Cache-Control=public,max-age=600":    "",
		"/x?Cache-Control=s-maxage%3D9":          "",
		"/x?Cache-Control=max-age%3D600":         "",
		"/x?Expires=" + later:                    "",
		"/x?CDN-Cache-Control=max-age%3D600":     "",
		"/x?Surrogate-Control=max-age%3D600":     "",
		"/x?X-Accel-Expires=600":                 "",
		"/at-once":                               "",
		"/late":                                  "",
		"/x?Cache-Control=private":               "private",
		"/x?Cache-Control=private,max-age%3D600": "private,max-age=600",
		"/x?Cache-Control=no-cache":              "private, no-cache",
		"/x":                                     "private",
	} {
		t.Run(path, func(t *testing.T) {
			fresh := &visitor{t: t, client: &http.Client{Transport: v.client.Transport}, header: v.header}
			a := fresh.send(http.MethodGet, w.site+path, "", http.Header{"Cookie": {"wechat=" + v.cookie(w.site, "wechat")}})
			renewed := len(a.Header["Set-Cookie"]) > 0
			if a.StatusCode != http.StatusOK || renewed != (control != "") || renewed && a.Header.Get("Cache-Control") != control {
				t.Errorf("%s, Cache-Control %q, Set-Cookie %q", a.Status, a.Header["Cache-Control"], a.Header["Set-Cookie"])
			}
		})
	}
}
