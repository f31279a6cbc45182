package test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withPath is the documented Caddy with a path that may pass without a session,
// as the document says.
func withPath(t *testing.T, path string) string {
	t.Helper()
	whole := documented(t, "text", 0)
	before, last, found := strings.Cut(whole, "\nhandle {\n")
	if !found {
		t.Fatal("the documented Caddy has no last handle")
	}
	return before + "\nhandle " + path + " {\n" + documented(t, "text", 1) + "\nreverse_proxy 127.0.0.1:8080\n}\nhandle {\n" + last
}

// Attack: another program answers at the gateway's address, 200 to everything:
// nobody is signed in, and everybody gets to the app.
func TestAttackAnotherProgramAnswersThroughOtherProxies(t *testing.T) {
	for name, f := range map[string]front{
		"nginx": nginxFront, "Caddy": {"Caddy", nil},
		"PHP-FPM": {"PHP-FPM", func(w *world, port, gateway, app string) { w.nginx(withPHP(w.t), port, gateway, app) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			site := f.before(w, gateway)
			v := w.visitor("ming")
			if a := v.send(http.MethodGet, site+"/page", "", nil); a.StatusCode != http.StatusOK {
				t.Fatalf("signed in: %s %s", a.Status, a.body)
			}
			w.app.take()
			gateway.says(nil)
			for _, own := range []http.Header{nil, {"X-Wechat-Account": {"main"}}} {
				a := v.send(http.MethodGet, site+"/page", "", own)
				if got := w.app.take(); a.StatusCode != http.StatusBadGateway || len(got) > 0 {
					t.Errorf("with %v: %s %s, the app got %v", own, a.Status, a.body, got)
				}
			}
			if name == "Caddy" {
				return
			}
			logs, err := filepath.Glob(filepath.Join(filepath.Dir(w.folder), "*", "error.log"))
			if err != nil || len(logs) != 1 {
				t.Fatal(logs, err)
			}
			if said, err := os.ReadFile(logs[0]); err != nil || !strings.Contains(string(said), "the-gateway-did-not-answer") {
				t.Errorf("the log says: %s (%v)", said, err)
			}
		})
	}
}

// The app gets the address as the visitor sent it, and its redirects to its own
// address lead to the site.
func TestNginxChangesNoAddress(t *testing.T) {
	w := newWorld(t)
	site := nginxFront.before(w, standIn(t))
	w.port = strings.TrimPrefix(site, "http://127.0.0.1:")
	for _, uri := range []string{
		"/", "/?", "/a%2Fb/%20c?x=%2f&y=a+b", "/%E5%B0%8F/%e5%b0%8f?%E5", "//twice//", "/a/./b/../c", "/a%3Fb%23c", "/a;x=1/b,c", `/"<>|`, "/b/%2e%2e/a", "/a%25%32%46", "/$wechat_user/${wechat_user}",
	} {
		status, body := w.raw("GET " + uri + " HTTP/1.1\r\nHost: 127.0.0.1:" + w.port + "\r\nConnection: close\r\n\r\n")
		if got := w.app.take(); status != http.StatusOK || len(got) != 1 || got[0].uri != uri {
			t.Errorf("%s: %d %s, the app got %v", uri, status, body, got)
		}
	}
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.app.URL+"/to?b=%2F", http.StatusFound)
	})
	if at, err := w.visitor("ming").send(http.MethodGet, site+"/from", "", nil).Location(); err != nil || at.String() != site+"/to?b=%2F" {
		t.Errorf("redirected to %v (%v)", at, err)
	}
}

// Attack: what may pass without a session gets a session's cookie, a sign-in's
// or a token, in whatever spelling.
func TestAttackCredentialsOnOpenPathsThroughOtherProxies(t *testing.T) {
	for name, start := range map[string]func(w *world, port, gateway string){
		"Caddy": func(w *world, port, gateway string) {
			w.load("{\n\tadmin off\n\tpersist_config off\n\tdefault_bind 127.0.0.1\n}\nhttp://127.0.0.1:" + port + " {\n" + placed(w.t, withPath(w.t, "/open/*"), gateway, w.app.address()) + "}\n")
		},
		"nginx": func(w *world, port, gateway string) {
			whole := documented(w.t, "nginx", 0)
			open := "    location /open/ {\n        auth_request off;\n        proxy_pass http://127.0.0.1:8080;\n    }\n"
			w.nginx(strings.Replace(whole, "    location / {", open+"    location / {", 1), port, gateway, w.app.address())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			port := freePort(t)
			start(w, port, gateway.address())
			v := w.visitor("ming")
			for name, lines := range cookieLines("__Host-wechat=secret") {
				if strings.HasPrefix(name, "the app's ") {
					continue
				}
				header := forgeries()
				delete(header, "X-Wechat-Anything-Later") // nginx removes names, not a pattern
				header["Cookie"], header["Authorization"] = lines, []string{"Bearer wxt_mini.secret"}
				v.send(http.MethodGet, "http://127.0.0.1:"+port+"/open/page", "", header)
				got := w.lastReceived()
				if said := strings.Join(got.header["Cookie"], "; "); strings.Contains(said, "secret") || slices.Contains(strings.Split(said, "; "), "wechat") {
					t.Errorf("%s: %q arrived", name, said)
				}
				if len(got.header["Authorization"]) > 0 || len(got.ours()) > 0 {
					t.Errorf("%s: %q and %v arrived", name, got.header["Authorization"], got.ours())
				}
			}
			if asked := gateway.take(); len(asked) > 0 {
				t.Errorf("the gateway was asked %v", asked)
			}
		})
	}
}

// WeChat's console finds the files by which it knows the domain, and a browser
// the gateway's script, whatever else an operator has for *.txt and *.js.
func TestVerifyFilesThroughOtherProxies(t *testing.T) {
	const script = "/_wechat/client.js"
	operators := front{"nginx with locations", func(w *world, port, gateway, app string) {
		more := "    location ~ \\.js$ {\n        return 404;\n    }\n}\n"
		w.nginx(strings.TrimSuffix(documented(w.t, "nginx", 0), "}\n")+more, port, gateway, app)
	}}
	for _, f := range append(slices.Clone(fronts), operators) {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			site := f.before(w, gateway)
			v := w.visitor("ming")
			for _, path := range []string{"/MP_verify_AbCd1234.txt", "/WW_verify_AbCd1234.txt", script} {
				v.send(http.MethodGet, site+path, "", http.Header{
					"X-Forwarded-For": {"evil"}, "X-Forwarded-Uri": {"evil"}, "X-Original-Uri": {"evil"}, "X-Forwarded-Method": {"evil"}, "X-Original-Method": {"evil"}, "Cookie": {"wechat=secret"},
				})
				asked, passed := gateway.take(), w.app.take()
				if len(asked) != 1 || len(passed) > 0 || asked[0].uri != path {
					t.Errorf("%s: the gateway got %v, the app %v", path, asked, passed)
					continue
				}
				for name, values := range asked[0].header {
					if slices.Contains(values, "evil") || name == "Cookie" && path != script && f.name != traefikFront.name {
						t.Errorf("%s: the gateway got %s: %q", path, name, values)
					}
				}
			}
			for _, path := range []string{"/x/MP_verify_AbCd1234.txt", "/MP_verify_AbCd1234.txt/x", "/MP_verify_AbCd/1234.txt", "/MP_verify_AbCd1234.txt.php", "/AA_verify_AbCd1234.txt"} {
				v.send(http.MethodGet, site+path, "", nil)
				asked := gateway.take()
				if len(asked) != 1 || !strings.HasPrefix(asked[0].uri, "/_wechat/check") || w.lastReceived().uri != path {
					t.Errorf("%s: the gateway got %v", path, asked)
				}
			}
		})
		t.Run(f.name+", whole", func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{account: "verify_file MP_verify_AbCd1234.txt AbCd1234"})
			if a := w.visitor("ming").send(http.MethodGet, site+"/MP_verify_AbCd1234.txt", "", nil); a.StatusCode != http.StatusOK || a.body != "AbCd1234" {
				t.Errorf("%s %q", a.Status, a.body)
			}
		})
	}
}

// Only pages that are opened are redirected: a socket, a script and a preflight
// could do nothing with it.
func TestOtherProxiesRedirectPagesOnly(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{auth: "scope snsapi_base"})
			v := w.visitor("ming")
			socket := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Sec-Websocket-Version": {"13"}, "Accept": nil}
			whole := socket.Clone()
			whole["Sec-Fetch-Mode"] = []string{"websocket"}
			for name, c := range map[string]struct {
				method   string
				header   http.Header
				redirect bool
			}{
				"a page": {http.MethodGet, nil, true}, "a look": {http.MethodHead, nil, true}, "a new kernel's page": {http.MethodGet, http.Header{"Sec-Fetch-Mode": {"navigate"}}, true},
				"a socket": {http.MethodGet, whole, false}, "an old kernel's socket": {http.MethodGet, socket, false},
				"fetch": {http.MethodGet, http.Header{"Sec-Fetch-Mode": {"cors"}}, false}, "a picture": {http.MethodGet, http.Header{"Sec-Fetch-Mode": {"no-cors"}}, false},
				"a preflight": {http.MethodOptions, nil, false}, "words": {http.MethodGet, http.Header{"Sec-Fetch-Mode": {"navigate https://evil.example"}}, false},
			} {
				a := v.send(c.method, site+"/page", "", c.header)
				at := a.Header.Get("Location")
				switch login := site + "/_wechat/login?return_to=%2Fpage"; {
				case c.redirect && (a.StatusCode != http.StatusFound && a.StatusCode != http.StatusSeeOther || at != login):
					t.Errorf("%s: %s to %q", name, a.Status, at)
				case !c.redirect && (a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, `"not_signed_in"`)):
					t.Errorf("%s: %s to %q: %s", name, a.Status, at, a.body)
				}
			}
			if got := w.app.take(); len(got) > 0 {
				t.Errorf("the app got %v", got)
			}
		})
	}
}

// Attack: identity behind the body, as trailers. It is no header of the app's
// request; nginx passes on none.
func TestAttackTrailersThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			w.port = strings.TrimPrefix(f.before(w, standIn(t)), "http://127.0.0.1:")
			status, body := w.raw("POST /page HTTP/1.1\r\nHost: 127.0.0.1:" + w.port + "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Wechat-Openid\r\n\r\n" +
				"4\r\nbody\r\n0\r\nX-Wechat-Openid: evil\r\nX-Wechat-Phone: evil\r\n\r\n")
			got := w.lastReceived()
			if status != http.StatusOK || got.body != "body" {
				t.Fatalf("%d %s, the app got %q", status, body, got.body)
			}
			for known, value := range told {
				if !slices.Equal(got.header[known], []string{value}) {
					t.Errorf("%s: %q, want %q", known, got.header[known], value)
				}
			}
			t.Logf("trailers: %v", got.trailer)
			if f.name == nginxFront.name && len(got.trailer) > 0 {
				t.Errorf("nginx passes on %v", got.trailer)
			}
		})
	}
}
