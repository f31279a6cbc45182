package test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Behind the documented nginx, a servlet, a JSP and a PHP script see one value
// of each identity header, and none of the visitor's own.
func TestAppsBehindNginx(t *testing.T) {
	for name, c := range map[string]struct {
		page  string
		start func(w *world, port string)
	}{
		"Tomcat": {"/headers.jsp", func(w *world, port string) {
			w.nginx(documented(t, "nginx", 0), port, "127.0.0.1:"+w.port, tomcat(t))
		}},
		"PHP-FPM": {"/anything", func(w *world, port string) {
			w.nginx(withPHP(t), port, "127.0.0.1:"+w.port, w.app.address())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			port := freePort(t)
			site := "http://127.0.0.1:" + port
			w.load(w.caddyfile(options{auth: "header phone on\n\t\tcheck on\n\t\torigin " + site, proxy: "respond 404"}))
			c.start(w, port)
			v := w.visitor("ming")
			if a := v.signIn(site + c.page); a.StatusCode != http.StatusOK || a.url != site+c.page {
				t.Fatalf("ended at %s with %s: %.500s", a.url, a.Status, a.body)
			}
			forgery := forgeries()
			for known := range told {
				forgery[known] = []string{"evil", "evil too"}
			}
			delete(forgery, "X-Wechat-Anything-Later") // nginx removes names, not a pattern
			a := v.send(http.MethodGet, site+c.page, "", forgery)
			var seen [][2]string
			for line := range strings.Lines(a.body) {
				header, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
				seen = append(seen, [2]string{header, value})
				if folded := strings.ToLower(header); folded == "cookie" && strings.Contains(value, "wechat") || strings.HasPrefix(folded, "x-wechat-") && value == "" {
					t.Errorf("%s: %s", header, value)
				}
			}
			w.checkTold(t, name, seen)
		})
	}
}

// withPHP is the documented nginx with the documented location of PHP-FPM.
func withPHP(t *testing.T) string {
	t.Helper()
	php := phpFPM(t)
	root, err := filepath.Abs("testdata/php-front")
	if err != nil {
		t.Fatal(err)
	}
	location := documented(t, "nginx", 1)
	for _, needed := range []string{"/var/www/shop", "127.0.0.1:9000"} {
		if !strings.Contains(location, needed) {
			t.Fatalf("no %s in:\n%s", needed, location)
		}
	}
	location = strings.NewReplacer("/var/www/shop", root, "127.0.0.1:9000", php.address).Replace(location)
	whole := documented(t, "nginx", 0)
	changed := regexp.MustCompile(`(?s)    location / \{.*?\n    \}\n`).ReplaceAllLiteralString(whole, location+"    # was 127.0.0.1:8080\n")
	if changed == whole {
		t.Fatal("the documented nginx has no location /")
	}
	return changed
}

// A location of nginx that needs another scope asks another question, as the
// document says.
func TestNginxAsksForAnotherScope(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	site := "http://127.0.0.1:" + port
	w.load(w.caddyfile(options{auth: "scope snsapi_base\n\t\tcheck on\n\t\torigin " + site, proxy: "respond 404"}))
	whole := documented(t, "nginx", 0)
	check := regexp.MustCompile(`(?s)    location = /_wechat/check \{.*?\n    \}\n`).FindString(whole)
	vip := strings.NewReplacer("/_wechat/check {", "/_wechat/check/vip {", "127.0.0.1:8081;", "127.0.0.1:8081/_wechat/check?scope=snsapi_userinfo;").Replace(check)
	location := "    location /vip {\n        auth_request /_wechat/check/vip;\n        proxy_pass http://${wechat_unanswered}127.0.0.1:8080;\n    }\n"
	w.nginx(strings.Replace(whole, check, check+vip+location, 1), port, "127.0.0.1:"+w.port, w.app.address())
	v := w.visitor("ming")
	v.signIn(site + "/page")
	if got := w.lastReceived(); got.header.Get("X-Wechat-Scope") != "snsapi_base" {
		t.Errorf("a page arrives with %v", got.header)
	}
	a := v.send(http.MethodGet, site+"/vip/?a=1", "", nil)
	if at := a.Header.Get("Location"); at != site+"/_wechat/login?return_to=%2Fvip%2F%3Fa%3D1&scope=snsapi_userinfo" || len(w.app.take()) > 0 {
		t.Errorf("with the openid alone: %s to %s", a.Status, at)
	}
	v.signIn(site + "/vip/?a=1")
	if got := w.lastReceived(); got.uri != "/vip/?a=1" || got.header.Get("X-Wechat-Scope") != "snsapi_userinfo" {
		t.Errorf("with consent: %s with %v", got.uri, got.header)
	}
	if a := v.send(http.MethodGet, site+"/_wechat/check/vip", "", nil); a.StatusCode != http.StatusNotFound {
		t.Errorf("a page's script: %s %s", a.Status, a.body)
	}
}

// Each name that the gateway sends stands in each example: what is missing
// there reaches the app as the visitor sent it.
func TestExamplesNameEveryHeader(t *testing.T) {
	source, err := os.ReadFile("../internal/site/identity.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`"(X-Wechat-[A-Za-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(names) < 10 {
		t.Fatalf("only %d headers", len(names))
	}
	proxied, php, caddy := documented(t, "nginx", 0), documented(t, "nginx", 1), documented(t, "text", 0)
	for _, match := range append(names, []string{"", "X-Wechat-Assertion"}) {
		name := match[1]
		snake := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "X-"), "-", "_"))
		for where, want := range map[string]string{
			"auth_request_set": "auth_request_set $" + snake + " $upstream_http_x_" + snake + ";", "proxy_set_header": "proxy_set_header " + name + " $" + snake + ";",
		} {
			if !strings.Contains(proxied, want) {
				t.Errorf("nginx: no %s of %s", where, name)
			}
		}
		if !strings.Contains(php, "fastcgi_param HTTP_X_"+strings.ToUpper(snake)+" $"+snake+" if_not_empty;") {
			t.Errorf("PHP-FPM: no %s", name)
		}
		if !regexp.MustCompile(`copy_headers .*\b` + name + `\b`).MatchString(caddy) {
			t.Errorf("Caddy: no %s", name)
		}
		if _, there := told[name]; !there {
			t.Errorf("the tests do not send %s", name)
		}
	}
}
