package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// get sends a request line that no client has cleaned, and returns the answer.
func (w *world) get(path, cookie string) (status int, body string) {
	w.t.Helper()
	if cookie != "" {
		cookie = "Cookie: wechat=" + cookie + "\r\n"
	}
	return w.raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + w.port + "\r\nUser-Agent: " + phoneUA + "\r\nAccept: text/html\r\nConnection: close\r\n" + cookie + "\r\n")
}

// Attack: PHP-FPM runs /admin.php for /admin.php/x.css, and a servlet mapped to
// /orders/* answers /orders/x.css.
func TestAttackASuffixOpensScripts(t *testing.T) {
	w := newWorld(t)
	for auth, want := range map[string]string{
		"public /static/* *.css": "public *.css opens scripts too (/admin.php/x.css): write a folder before it, such as /static/*.css, or /*.css for files in the root, at Caddyfile:",
		"optional @css":          `optional: the matcher "path *.css" opens scripts too (/admin.php/x.css)`,
	} {
		if err := w.tryLoad(w.caddyfile(options{before: "@css path /a *.css", auth: auth})); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", auth, err, want)
		}
	}
	w.load(w.caddyfile(options{before: "@pages path /pages/*.html", auth: "public /theme/*.css /*.ico\n\t\toptional @pages"}))
	for path, want := range map[string]int{
		"/theme/x.css": http.StatusOK, "/theme/red/dark/x.min.css": http.StatusOK, "/favicon.ico": http.StatusOK,
		"/admin.php/x.css": http.StatusFound, "/orders/x.css": http.StatusFound, "/x.css": http.StatusFound, "/orders/x.ico": http.StatusFound, "/admin.php/x.ico": http.StatusFound,
		"/theme/admin.php/x.css": http.StatusFound, "/theme/red/admin.php/y/x.css": http.StatusFound, "/theme/admin;v=1/x.css": http.StatusFound, "/theme/../admin/x.css": http.StatusFound,
		"/theme/admin%2ephp/x.css": http.StatusFound, "/theme/admin.php%2fx.css": http.StatusFound, "/theme/%2e%2e/admin/x.css": http.StatusFound, "/pages/admin.php/x.html": http.StatusFound,
	} {
		if status, _ := w.get(path, ""); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
		if got := w.app.take(); len(got) != map[int]int{http.StatusOK: 1}[want] {
			t.Errorf("%s: the app received %v", path, got)
		}
	}
}

// What may open too much is said when the configuration is loaded; what only
// demands is not.
func TestWarningsAboutPathsThatOpenTooMuch(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{
		before: "@re path_regexp \\.css$\n\t@cel expression {path}.endsWith('.css')\n\t@ask path_regexp ^/account/\n\t@pay path *.pay",
		auth:   "public @re\n\t\toptional @cel\n\t\tscope snsapi_userinfo @ask *.do @pay\n\t\tscope snsapi_base *.html",
	}))
	var warnings []string
	for line := range strings.Lines(w.log()) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, "scripts too") {
			warnings = append(warnings, attribute(line, `"msg":"([^;]*);`))
		}
	}
	slices.Sort(warnings)
	want := []string{
		"optional: an expression on the path opens everything that it matches, perhaps scripts too (/admin.php/x.css)",
		"public: a regular expression (path_regexp) opens everything that it matches, perhaps scripts too (/admin.php/x.css)",
		"scope snsapi_base *.html opens scripts too (/admin.php/x.html): write a folder before it, such as /static/*.html, or /*.html for files in the root",
	}
	if !slices.Equal(warnings, want) {
		t.Errorf("warned about %q, want %q", warnings, want)
	}
}

// Attack: a spelling of the path that the app understands, and the rule does
// not.
func TestAttackASpellingAvoidsTheStricterScope(t *testing.T) {
	for name, rule := range map[string]string{"path": "/account/*", "matcher": "@account", "expression": "@expression"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.load(w.caddyfile(options{
				before: "@account path /account/*\n\t@expression expression {path}.startsWith('/account/')\n\trewrite /account* /index.php{uri}",
				auth:   "scope snsapi_base\n\t\tscope snsapi_userinfo " + rule,
			}))
			v := w.visitor("ming")
			v.open(w.site + "/page")
			cookie := v.cookie(w.site, "wechat")
			w.app.take()
			for _, path := range []string{
				"/account/x", "/%c1%a1ccount/x", "/x%25zz/%252e%252e/%252e%252e/account/x", "/account%20/x", "/account./x", "/account%00/x", "/(S(abc))/account/x",
				"/account;v=1/x", "/x/..;/account/y", "/%2561ccount/x", "/%252561ccount/x", "/a%5c..%5caccount/x", "/ACCOUNT/x", "//account/x", "//shop.example.com/account/x",
				"/x/%c0%ae%c0%ae/account/x", "/account%2fx", "/account::$INDEX_ALLOCATION/x", "/(A(1)F(2))/account/x", "/x%25zz", "/x%01",
			} {
				if path == "/ACCOUNT/x" && name == "expression" {
					continue // the operator's own words say which case
				}
				if status, body := w.get(path, cookie); status != http.StatusOK || !strings.Contains(body, "scope=snsapi_userinfo") {
					t.Errorf("%s: %d without the question", path, status)
				}
			}
			if got := w.app.take(); len(got) > 0 {
				t.Errorf("the app was reached: %v", got)
			}
			for _, path := range []string{
				"/list.jsp;jsessionid=1", "/wiki/Go_(game)", "//img/x.png", "/%E5%95%86%E5%93%81/%E8%AF%A6.html", "/%C9%CC%C6%B7/%C0%B4%C0%A5.html", "/static/foto%20(1).jpg",
			} {
				if status, _ := w.get(path, cookie); status != http.StatusOK {
					t.Errorf("%s: %d", path, status)
				}
				if got := w.app.one(t); got.uri != path || got.header.Get("X-Wechat-Scope") != "snsapi_base" {
					t.Errorf("%s arrived as %s with scope %q", path, got.uri, got.header.Get("X-Wechat-Scope"))
				}
			}
		})
	}
}

// The same with the real PHP-FPM: what runs a script is not opened as a file,
// and asks for what the script asks for.
func TestPHPPathInfoOpensNothing(t *testing.T) {
	const secret = "for signed-in visitors only"
	w := newWorld(t)
	php, bare := phpFPM(t), freePort(t)
	w.load(w.caddyfile(options{auth: "public /theme/*.css /*.css\n\t\tscope snsapi_base\n\t\tscope snsapi_userinfo /admin.php", proxy: php.site()}) +
		"\nhttp://127.0.0.1:" + bare + " {\n\t" + php.site() + "\n}\n")
	v := w.visitor("ming")
	v.open(w.site + "/page")
	cookie := v.cookie(w.site, "wechat")
	for _, path := range []string{"/admin.php/x.css", "/theme/admin.php/x.css", "/theme/admin.php/y/x.css", "/admin.php/"} {
		if a := v.send(http.MethodGet, "http://127.0.0.1:"+bare+path, "", nil); !strings.Contains(a.body, secret) {
			t.Errorf("%s: PHP runs no script: this proves nothing: %s %s", path, a.Status, a.body)
		}
		if status, body := w.get(path, ""); status != http.StatusFound || strings.Contains(body, secret) {
			t.Errorf("%s: a stranger gets %d: %s", path, status, body)
		}
		if strings.HasPrefix(path, "/theme/") {
			continue
		}
		if _, body := w.get(path, cookie); strings.Contains(body, secret) || !strings.Contains(body, "scope=snsapi_userinfo") {
			t.Errorf("%s: a visitor without consent gets %s", path, body)
		}
	}
	for _, path := range []string{"/a.css", "/theme/a.css"} {
		if status, body := w.get(path, ""); status != http.StatusOK || !strings.Contains(body, "color: red") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
