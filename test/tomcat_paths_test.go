package test

import (
	"net/http"
	"strings"
	"testing"
)

// Every address here means /secret.jsp, or might, to Tomcat. To a `public
// /static/*` that reads paths naively it is a stylesheet.
var slippery = []string{
	"/static/..;/secret.jsp", "/static/..;x=y/secret.jsp", "/static;/../secret.jsp", "/static/;/../../secret.jsp",
	"/static/../secret.jsp", "/static/%2e%2e/secret.jsp", "/static/%2e%2e;/secret.jsp", "/static/..%3b/secret.jsp",
	"/static/..%2fsecret.jsp", "/static/%252e%252e/secret.jsp", "/static/..%5csecret.jsp", "/static/.;/..;/secret.jsp",
	"/static//../secret.jsp", "/static/%c0%ae%c0%ae/secret.jsp", "/static/../secret.jsp;.css", "/secret.jsp;/static/a.css",
}

// Attack: GHSA-7rh7-c77v-6434 and its kind, a path that the gate and the
// servlet container read differently.
func TestTomcatPathParametersOpenNothing(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("public /static/*")
	const secret = "for signed-in visitors only"
	stranger := w.secureVisitor("ming")
	if a := stranger.send(http.MethodGet, site+"/static/a.css", "", nil); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "color") {
		t.Fatalf("the public stylesheet: %s %s", a.Status, a.body)
	}
	dangerous := 0
	for _, path := range slippery {
		direct := w.visitor("ming").send(http.MethodGet, "http://"+tomcat(t)+path, "", nil)
		if strings.Contains(direct.body, secret) {
			dangerous++
		}
		a := stranger.send(http.MethodGet, site+path, "", nil)
		if strings.Contains(a.body, secret) {
			t.Errorf("%s: a stranger reads the secret", path)
		}
		if a.StatusCode != http.StatusFound || !strings.HasPrefix(a.Header.Get("Location"), w.sim.URL) {
			t.Errorf("%s: %s to %q, want a sign-in", path, a.Status, a.Header.Get("Location"))
		}
	}
	if dangerous < 5 {
		t.Errorf("Tomcat reads only %d of these addresses as the secret's: this proves nothing", dangerous)
	}
}

// The same for a smaller scope on some paths.
func TestTomcatPathParametersLowerNoScope(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("scope snsapi_base /static/*")
	v := w.secureVisitor("ming")
	if a := v.open(site + "/static/a.css"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "color") {
		t.Fatalf("with the openid alone: %s %s", a.Status, a.body)
	}
	for _, path := range slippery {
		a := v.send(http.MethodGet, site+path, "", nil)
		if !strings.Contains(a.body, "使用微信登录") {
			t.Errorf("%s: %s, want the consent page: %.100s", path, a.Status, a.body)
		}
	}
}

// A servlet answers every address below its own, whatever that ends with, and
// spells its own as Tomcat does: a suffix opens none of it, and a rule that
// asks for more holds for all of it.
func TestTomcatServletsBelowAFolder(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("public /static/*.css /*.css\n\t\tscope snsapi_base\n\t\tscope snsapi_userinfo /orders/*")
	const secret = "for signed-in visitors only"
	stranger, v := w.secureVisitor("hong"), w.secureVisitor("ming")
	if a := stranger.send(http.MethodGet, site+"/static/a.css", "", nil); a.StatusCode != http.StatusOK {
		t.Fatalf("the public stylesheet: %s", a.Status)
	}
	if a := v.open(site + "/hello.jsp"); a.StatusCode != http.StatusOK {
		t.Fatalf("with the openid alone: %s", a.Status)
	}
	for _, path := range []string{
		"/orders/x.css", "/orders;v=1/x.css", "/static/..;/orders/x.css", "/static/../orders/x", "//orders/x.css", "/static/%2e%2e/orders/x.css", "/orders", "/%6frders/x.css",
	} {
		if a := w.visitor("ming").send(http.MethodGet, "http://"+tomcat(t)+path, "", nil); !strings.Contains(a.body, secret) {
			t.Errorf("%s: Tomcat does not take it for the servlet's: this proves nothing: %s", path, a.Status)
		}
		if a := stranger.send(http.MethodGet, site+path, "", nil); a.StatusCode != http.StatusFound {
			t.Errorf("%s: a stranger gets %s", path, a.Status)
		}
		if a := v.send(http.MethodGet, site+path, "", nil); !strings.Contains(a.body, "使用微信登录") {
			t.Errorf("%s: %s, want the consent page: %.100s", path, a.Status, a.body)
		}
	}
}
