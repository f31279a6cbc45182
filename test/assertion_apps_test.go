package test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// tomcatWithFilter returns the address of a Tomcat whose web app /shop has the
// filter of docs/assertion.md, as it is there, and a JSP that shows what it
// makes of a request.
func tomcatWithFilter(t *testing.T, origin string) string {
	t.Helper()
	needs(t, tomcatHome+"/bin/catalina.sh", "tomcat10 tomcat10-examples")
	needs(t, "/usr/bin/javac", "default-jdk-headless")
	base, address := t.TempDir(), "127.0.0.1:"+freePort(t)
	if err := makeBase(base, address); err != nil {
		t.Fatal(err)
	}
	shop := filepath.Join(base, "webapps", "shop")
	classes := filepath.Join(shop, "WEB-INF", "classes")
	if err := os.MkdirAll(classes, 0o700); err != nil {
		t.Fatal(err)
	}
	sources := t.TempDir()
	place(t, sources, "WechatAssertion.java", documentedCode(t, "WechatAssertion.java", origin))
	place(t, sources, "WechatAssertionFilter.java", strings.ReplaceAll(documentedCode(t, "WechatAssertionFilter.java", ""), "javax.", "jakarta."))
	run(t, sources, "javac", "-encoding", "UTF-8", "-cp", tomcatHome+"/lib/servlet-api.jar", "-d", classes, "WechatAssertion.java", "WechatAssertionFilter.java")
	document, err := os.ReadFile("../docs/assertion.md")
	if err != nil {
		t.Fatal(err)
	}
	filter := regexp.MustCompile("(?s)\n```xml\n(.*?)```\n").FindSubmatch(document)
	if filter == nil {
		t.Fatal("docs/assertion.md has no XML")
	}
	place(t, filepath.Join(shop, "WEB-INF"), "web.xml", `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">`+string(filter[1])+`</web-app>`)
	place(t, shop, "who.jsp", `<%@ page contentType="text/plain; charset=UTF-8" %>user=${pageContext.request.remoteUser} principal=${pageContext.request.userPrincipal.name} openid=${wechat.openid} nickname=${wechat.nickname}. session=${pageContext.session.id}`)
	p, err := runTomcat(base, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return address
}

// phpWithCode returns what a Caddyfile says to have PHP-FPM run the code of
// docs/assertion.md, and a page that shows what it makes of a request.
func phpWithCode(t *testing.T, origin string) (directives string) {
	t.Helper()
	folder := t.TempDir()
	place(t, folder, "wechat_assertion.php", keptIn(folder, documentedCode(t, "wechat_assertion.php", origin)))
	document, err := os.ReadFile("../docs/assertion.md")
	if err != nil {
		t.Fatal(err)
	}
	app := regexp.MustCompile("(?s)\n```php\n(<\\?php\nrequire .*?)```\n").FindSubmatch(document)
	if app == nil {
		t.Fatal("docs/assertion.md has no PHP for the app")
	}
	place(t, folder, "who.php", string(app[1])+"echo \"user=\", $visitor['sub'] ?? '', \" principal=\", $visitor['sub'] ?? '', \" openid=\", $visitor['openid'] ?? '', \" nickname=\", $visitor['nickname'] ?? '', '.';\n")
	return "root * " + folder + "\n\tphp_fastcgi " + phpFPM(t).address
}

// The servlet filter in Tomcat, and the PHP code in PHP-FPM, believe what the
// gateway has signed and nothing else, also where a client reaches the app past
// the gateway.
func TestAttackForgedAssertionsAtApps(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		start func(t *testing.T, w *world, f *listCounter) (proxy, past string)
	}{
		"Tomcat": {"/shop/who.jsp", func(t *testing.T, _ *world, f *listCounter) (string, string) {
			address := tomcatWithFilter(t, f.URL)
			return "reverse_proxy " + address, "http://" + address
		}},
		"PHP-FPM": {"/who.php", func(t *testing.T, _ *world, f *listCounter) (string, string) {
			return phpWithCode(t, f.URL), ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.listCounter()
			w.asserting(f, oldKey)
			valid := w.asserted(f) // as an app of its own gets it
			proxy, past := c.start(t, w, f)
			o := options{auth: "origin " + f.URL + "\n\t\tpublic /open/*\n\t\tassertion", global: "session {\n\t\t\tkey \"" + oldKey + "\"\n\t\t}", proxy: proxy}
			caddyfile := w.caddyfile(o)
			if past == "" { // PHP-FPM is reached by a web server only
				bare := freePort(t)
				past = "http://127.0.0.1:" + bare
				caddyfile += "\nhttp://127.0.0.1:" + bare + " {\n\t" + proxy + "\n}\n"
			}
			w.load(caddyfile)
			v := w.visitor("ming")
			a := v.signIn(f.URL + c.path)
			said := regexp.MustCompile(`^user=(\S+) principal=(\S+) openid=(\S+) nickname=小明\.`).FindStringSubmatch(a.body)
			if a.StatusCode != http.StatusOK || said == nil || said[1] != said[2] || said[3] != w.wechat.OpenID("ming", appID) {
				t.Fatalf("through the gateway: %s %q", a.Status, a.body)
			}
			ask := func(header http.Header) answer {
				return w.visitor("hong").send(http.MethodGet, past+c.path, "", header)
			}
			if a := ask(http.Header{site.HeaderAssertion: {valid}}); a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "user="+said[1]+" ") {
				t.Errorf("a valid assertion, past the gateway: %s %q", a.Status, a.body)
			}
			plain := http.Header{"X-Wechat-User": {said[1]}, "X-Wechat-Openid": {said[3]}}
			if a := ask(plain); a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "user= principal= openid= ") {
				t.Errorf("plain headers, past the gateway: %s %q, want nobody signed in", a.Status, a.body)
			}
			for what, token := range newForgery(t, oldKey, valid).all() {
				header := plain.Clone()
				if header[site.HeaderAssertion] = []string{token}; len(token) > 6000 {
					continue // Tomcat refuses such a header by itself
				}
				if a := ask(header); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, said[1]) {
					t.Errorf("%s: %s %q, want 401", what, a.Status, a.body)
				}
			}
			f.checkFetched(t, 0)
			if name != "Tomcat" {
				return
			}
			_, session, _ := strings.Cut(a.body, " session=")
			h := w.visitor("hong")
			h.signIn(f.URL + "/examples/")
			b := h.send(http.MethodGet, f.URL+c.path, "", http.Header{"Cookie": {"JSESSIONID=" + strings.TrimSpace(session)}})
			if _, other, ok := strings.Cut(b.body, " session="); b.StatusCode != http.StatusOK || !ok || other == session || session == "" {
				t.Errorf("another person in the browser: %s %q, want a session of the app other than %q", b.Status, b.body, session)
			}
			// The session of a stranger is planted, and gets an owner.
			_, planted, _ := strings.Cut(ask(nil).body, " session=")
			victim := w.visitor("ming")
			victim.signIn(f.URL + "/examples/")
			c := victim.send(http.MethodGet, f.URL+c.path, "", http.Header{"Cookie": {"JSESSIONID=" + planted}})
			if _, own, ok := strings.Cut(c.body, " session="); c.StatusCode != http.StatusOK || !ok || own == planted || planted == "" {
				t.Errorf("the session of a stranger: %s %q, want another id than %q", c.Status, c.body, planted)
			}
			if got := ask(http.Header{"Cookie": {"JSESSIONID=" + planted}}); strings.HasSuffix(got.body, planted) {
				t.Errorf("the stranger has the session still: %q", got.body)
			}
		})
	}
}
