package test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const headerExample = "/examples/servlets/servlet/RequestHeaderExample"

// Tomcat's own example shows what a servlet is told: the visitor's identity,
// once, and none of the forgeries.
func TestTomcatRequestHeaderExample(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	v := w.secureVisitor("ming")
	if a := v.signIn(site + headerExample); a.StatusCode != http.StatusOK || a.url != site+headerExample {
		t.Fatalf("ended at %s with %s", a.url, a.Status)
	}
	a := v.send(http.MethodGet, site+headerExample, "", forgeries())
	w.checkTold(t, "the example servlet", tableRows(a.body))
	// getHeader shows the first value only; getHeaders shows them all.
	a = v.send(http.MethodGet, site+"/headers.jsp", "", forgeries())
	var told [][2]string
	for line := range strings.Lines(a.body) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		told = append(told, [2]string{name, value})
	}
	w.checkTold(t, "a JSP", told)
}

// forgeries are headers by which a visitor pretends to be somebody else.
func forgeries() http.Header {
	h := http.Header{}
	for _, name := range forged {
		if !strings.Contains(strings.ToLower(name), "remote") { // ours only where a site says so
			h[name] = []string{"evil", "evil too"}
		}
	}
	return h
}

var tableRow = regexp.MustCompile(`(?s)<tr><td bgcolor="#CCCCCC">\s*(.*?)\s*</td><td>\s*(.*?)\s*</td></tr>`)

// tableRows reads the table of RequestHeaderExample.
func tableRows(body string) [][2]string {
	var rows [][2]string
	for _, match := range tableRow.FindAllStringSubmatch(body, -1) {
		rows = append(rows, [2]string{html.UnescapeString(match[1]), html.UnescapeString(match[2])})
	}
	return rows
}

// checkTold checks that a servlet was told ming's identity, each header once.
func (w *world) checkTold(t *testing.T, who string, headers [][2]string) {
	t.Helper()
	seen := map[string]string{}
	for _, header := range headers {
		name, value := strings.ToLower(header[0]), header[1]
		if strings.Contains(value, "evil") {
			t.Errorf("%s was told %s: %s", who, name, value)
		}
		if _, twice := seen[name]; twice && strings.HasPrefix(name, "x-wechat") {
			t.Errorf("%s was told %s twice", who, name)
		}
		seen[name] = value
	}
	for name, want := range map[string]string{
		"x-wechat-openid":   w.wechat.OpenID("ming", appID),
		"x-wechat-unionid":  w.wechat.UnionID("ming", appID),
		"x-wechat-app-id":   appID,
		"x-wechat-account":  "default",
		"x-wechat-scope":    "snsapi_userinfo",
		"x-wechat-nickname": url.QueryEscape("小明"),
	} {
		if seen[name] != want {
			t.Errorf("%s was told %s: %q, want %q", who, name, seen[name], want)
		}
	}
	if len(seen["x-wechat-user"]) != 26 || seen["x-wechat-avatar"] == "" {
		t.Errorf("%s was told user %q, avatar %q", who, seen["x-wechat-user"], seen["x-wechat-avatar"])
	}
	if strings.Contains(strings.ToLower(seen["cookie"]), "wechat") {
		t.Errorf("%s was told our cookies: %s", who, seen["cookie"])
	}
}

// JSESSIONID lives beside our cookie, and servlet sessions work as ever.
func TestTomcatSessionExample(t *testing.T) {
	const example = "/examples/servlets/servlet/SessionExample"
	w := newWorld(t)
	site := w.tomcatSite("")
	v := w.secureVisitor("ming")
	v.header.Set("Accept-Language", "en") // Tomcat's own pages have translations
	a := v.signIn(site + example)
	id := attribute(a.body, `Session ID: (\w+)`)
	if id == "" || v.cookie(site+"/examples/", "JSESSIONID") != id {
		t.Fatalf("no session of Tomcat's: %.300s", a.body)
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {site}}
	a = v.send(http.MethodPost, site+example, "dataname=colour&datavalue=green", form)
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "colour = green") {
		t.Errorf("the posted form: %s %.300s", a.Status, a.body)
	}
	a = v.open(site + example + "?dataname=size&datavalue=42")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "colour = green") || !strings.Contains(a.body, "size = 42") {
		t.Errorf("the form sent by GET: %s %.300s", a.Status, a.body)
	}
	if now := attribute(a.body, `Session ID: (\w+)`); now != id {
		t.Errorf("Tomcat began another session: %q, then %q", id, now)
	}
	// What a servlet sees of the cookies: Tomcat's, not ours.
	a = v.open(site + headerExample)
	for _, row := range tableRows(a.body) {
		if strings.EqualFold(row[0], "cookie") && (strings.Contains(row[1], "wechat") || !strings.Contains(row[1], "JSESSIONID")) {
			t.Errorf("the servlet saw the cookies %s", row[1])
		}
	}
	if v.cookie(site, "__Host-wechat") == "" {
		t.Error("our cookie went away")
	}
}

// The three lines of JSP in README, in front of any nickname.
func TestTomcatShowsNicknames(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	for person, nickname := range map[string]string{"ming": "小明", "hong": "小红 🌸"} {
		a := w.secureVisitor(person).signIn(site + "/hello.jsp?a=1")
		if a.url != site+"/hello.jsp?a=1" || a.StatusCode != http.StatusOK {
			t.Errorf("%s ended at %s with %s", person, a.url, a.Status)
		}
		if !strings.Contains(a.body, "你好，"+nickname+"！") || !strings.Contains(a.body, w.wechat.OpenID(person, appID)) {
			t.Errorf("%s reads: %s", person, a.body)
		}
	}
}

// An old app asks for consent in the midst of things, by a 403 and one header.
func TestTomcatAsksForConsent(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("scope snsapi_base")
	v := w.secureVisitor("ming")
	if a := v.open(site + "/hello.jsp"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, w.wechat.OpenID("ming", appID)) {
		t.Fatalf("with the openid alone: %s %s", a.Status, a.body)
	}
	target := site + "/vip.jsp?order=7&x=%E4%B8%AD"
	a := v.open(target)
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "使用微信登录") || strings.Contains(a.body, "refusal") {
		t.Fatalf("consent was not asked: %s %.300s", a.Status, a.body)
	}
	if a.Header.Get("X-Wechat-Require") != "" {
		t.Error("the visitor saw X-Wechat-Require")
	}
	a = v.signIn(target)
	if a.url != target || a.StatusCode != http.StatusOK || !strings.Contains(a.body, "会员 小明") || !strings.Contains(a.body, "order=7&x=%E4%B8%AD") {
		t.Errorf("ended at %s with %s: %.300s", a.url, a.Status, a.body)
	}
	if a.Header.Get("X-Wechat-Require") != "" {
		t.Error("the visitor saw X-Wechat-Require")
	}
}

// An old app signs its visitor out by one header.
func TestTomcatSignsOut(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	v := w.secureVisitor("ming")
	v.signIn(site + "/hello.jsp")
	stolen := v.cookie(site, "__Host-wechat")
	a := v.open(site + "/bye.jsp")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "再见") || a.Header.Get("X-Wechat-Logout") != "" {
		t.Fatalf("bye: %s %q %.200s", a.Status, a.Header, a.body)
	}
	for name, header := range map[string]http.Header{
		"the visitor":           {"Accept": {"application/json"}},
		"a thief of the cookie": {"Accept": {"application/json"}, "Cookie": {"__Host-wechat=" + stolen}},
	} {
		if a := v.send(http.MethodGet, site+"/secret.jsp", "", header); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s still has %s", name, a.Status)
		}
	}
}

// A body passes byte for byte, with the identity beside it.
func TestTomcatReadsChineseForms(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	v := w.secureVisitor("ming")
	v.signIn(site + "/hello.jsp")
	const text = "留言：你好 & 再见 = 50% 🌸\r\n第二行"
	body := url.Values{"text": {text}}.Encode()
	a := v.send(http.MethodPost, site+"/form.jsp", body,
		http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "Origin": {site}})
	got, err := url.QueryUnescape(attribute(a.body, `id="text">([^<]*)<`))
	if err != nil || got != text || attribute(a.body, `id="method">([^<]*)<`) != http.MethodPost {
		t.Errorf("%s: arrived as %q %v", a.Status, got, err)
	}
	if attribute(a.body, `id="openid">([^<]*)<`) != w.wechat.OpenID("ming", appID) {
		t.Errorf("the form came without its visitor: %s", a.body)
	}
}

// Tomcat's own redirects stay on the public address.
func TestTomcatRedirects(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	v := w.secureVisitor("ming")
	a := v.signIn(site + "/examples")
	if a.url != site+"/examples/" || a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Apache Tomcat Examples") {
		t.Errorf("ended at %s with %s: %.200s", a.url, a.Status, a.body)
	}
}
