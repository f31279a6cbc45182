package test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// converted is a text in another character set, by iconv, which every Debian
// has.
func converted(t *testing.T, text, from, to string) string {
	t.Helper()
	command := exec.Command("iconv", "-f", from, "-t", to)
	command.Stdin = strings.NewReader(text)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("iconv: %v", err)
	}
	return string(out)
}

// whoIs shows what the filter and the valve of docs/upstreams.md make of a
// request.
const whoIs = `<%@ page contentType="text/plain; charset=UTF-8" pageEncoding="UTF-8" trimDirectiveWhitespaces="true" %>
<%
	String seen = (String) session.getAttribute("seen");
	session.setAttribute("seen", (seen == null ? "" : seen) + "x");
	if (request.getRemoteUser() != null) session.setAttribute("private", request.getRemoteUser());
%>user=<%= request.getRemoteUser() %>
principal=<%= request.getUserPrincipal() == null ? null : request.getUserPrincipal().getName() %>
type=<%= request.getAuthType() %>
scheme=<%= request.getScheme() %>
secure=<%= request.isSecure() %>
address=<%= request.getRemoteAddr() %>
seen=<%= session.getAttribute("seen") %>
private=<%= session.getAttribute("private") %>
`

// upstreamsTomcat runs a Tomcat with the JSP, the filter and the valve of
// docs/upstreams.md, and returns the site in front of it.
func (w *world) upstreamsTomcat(t *testing.T, auth string) string {
	t.Helper()
	if _, err := sharedTomcat(); err != nil { // says which packages are missing
		t.Fatal(err)
	}
	base, address := t.TempDir(), "127.0.0.1:"+freePort(t)
	if err := makeBase(base, address); err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(base, "conf", "server.xml")
	text := read(t, server)
	changed := strings.Replace(text, "</Host>", snippet(t, "conf/server.xml")+"</Host>", 1)
	if changed == text {
		t.Fatal("Debian's server.xml has no <Host>")
	}
	put(t, changed, server)
	app := filepath.Join(base, "webapps", "shop")
	put(t, converted(t, snippet(t, "who.jsp"), "UTF-8", "GBK"), app, "who.jsp")
	put(t, whoIs, app, "whois.jsp")
	put(t, `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">`+snippet(t, "WEB-INF/web.xml")+"</web-app>", app, "WEB-INF", "web.xml")
	// As the document says for Tomcat 10.
	source := put(t, strings.ReplaceAll(snippet(t, "WechatUserFilter.java"), "javax.servlet", "jakarta.servlet"), base, "src", "WechatUserFilter.java")
	compile := exec.Command("javac", "-encoding", "UTF-8", "-classpath", tomcatHome+"/lib/servlet-api.jar", "-d", filepath.Join(app, "WEB-INF", "classes"), source)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	if err := os.Remove(source); err != nil {
		t.Fatal(err)
	}
	p, err := runTomcat(base, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	_, port, _ := strings.Cut(address, ":")
	keepsToLoopback(t, port)
	return w.secureSite(options{auth: auth, proxy: "reverse_proxy " + address})
}

// A page of 2009 in GBK greets its visitor, shows nicknames as text, and reads
// a form in GBK; the filter and the valve tell servlets who the visitor is and
// how they came.
func TestUpstreamsTomcat(t *testing.T) {
	w := newWorld(t)
	prankster := w.prankster(t)
	site := w.upstreamsTomcat(t, "public /shop/whois.jsp")
	t.Run("JSP", func(t *testing.T) {
		for person, greeting := range map[string]string{
			"ming": "你好，小明！", "hong": "你好，小红 ?", // GBK has no 🌸: one or two question marks
			prankster: "你好，&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;！",
		} {
			_, a := w.meets(t, site, person, "/shop/who.jsp")
			page := converted(t, a.body, "GBK", "UTF-8")
			if !strings.Contains(page, greeting) || !strings.Contains(strings.ToLower(a.Header.Get("Content-Type")), "charset=gbk") || strings.Contains(page, "<script") {
				t.Errorf("%s reads %q: %s", person, a.Header.Get("Content-Type"), page)
			}
		}
		v, _ := w.meets(t, site, "ming", "/shop/who.jsp")
		form := "q=" + url.QueryEscape(converted(t, "留言<b>", "UTF-8", "GBK"))
		a := v.send(http.MethodPost, site+"/shop/who.jsp", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {site}})
		if page := converted(t, a.body, "GBK", "UTF-8"); !strings.Contains(page, "<p>留言&lt;b&gt;</p>") {
			t.Errorf("a form in GBK: %s %s", a.Status, page)
		}
	})
	t.Run("servlets and Tomcat", func(t *testing.T) {
		tell := func(v *visitor, h http.Header) map[string]string {
			t.Helper()
			facts := map[string]string{}
			for line := range strings.Lines(v.send(http.MethodGet, site+"/shop/whois.jsp", "", h).body) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				facts[name] = value
			}
			return facts
		}
		stranger := tell(w.secureVisitor("hong"), forger())
		if stranger["user"] != "null" || stranger["principal"] != "null" || stranger["scheme"] != "https" || stranger["secure"] != "true" || stranger["address"] != "127.0.0.1" {
			t.Errorf("a stranger is %v", stranger)
		}
		ming, _ := w.meets(t, site, "ming", "/shop/who.jsp")
		first, second := tell(ming, forger()), tell(ming, nil)
		user := first["user"]
		if len(user) != 26 || first["principal"] != user || first["type"] != "WECHAT" || first["scheme"] != "https" || second["user"] != user || second["seen"] != first["seen"]+"x" {
			t.Errorf("ming is %v, then %v", first, second)
		}
		// A stranger plants the session of a public page, and waits for its owner.
		attacker, victim := w.secureVisitor("hong"), w.secureVisitor("ming")
		tell(attacker, nil)
		victim.carries(t, site, "/shop", attacker, "JSESSIONID")
		if got := tell(victim, nil); got["user"] != "null" || got["seen"] != "xx" {
			t.Errorf("before the sign-in, the victim is %v", got)
		}
		victim.signIn(site + "/shop/who.jsp")
		got, id := tell(victim, nil), victim.cookie(site+"/shop/", "JSESSIONID")
		if got["user"] != user || got["private"] != user || got["seen"] != "xxx" {
			t.Errorf("after the sign-in, the victim is %v, want %s with the session of before", got, user)
		}
		if got := tell(victim, nil); got["seen"] != "xxxx" || victim.cookie(site+"/shop/", "JSESSIONID") != id {
			t.Errorf("the session's id changes again; the victim is %v", got)
		}
		if got := tell(attacker, nil); got["private"] != "null" || got["seen"] != "x" {
			t.Errorf("the attacker has the victim's session: %v", got)
		}
		// Two people with one browser.
		hong, _ := w.meets(t, site, "hong", "/shop/who.jsp")
		hong.carries(t, site, "/shop", ming, "JSESSIONID")
		other := tell(hong, nil)
		if other["user"] == user || len(other["user"]) != 26 || other["seen"] != "x" || other["private"] != other["user"] {
			t.Errorf("hong, in ming's browser, is %v", other)
		}
	})
}
