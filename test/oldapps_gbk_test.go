package test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A forum of 2009 speaks GBK: its pages, its links, its forms. A sign-in that
// comes between changes no byte.
func TestBrowserGBK(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	page := site + "/gbk.jsp"
	b := w.phone("ming")
	b.signsInto(page+"?name=%C4%E3", "你")
	b.reads("#name", "你")
	b.reads("#openid", w.wechat.OpenID("ming", appID))

	// With the session, and without.
	for _, signedOut := range []bool{false, true} {
		for name, c := range map[string]struct {
			does  func(b *browser)
			at    string
			shows string
		}{
			"a link": {
				func(b *browser) { b.tap("#link") },
				page + "?name=%C4%E3%BA%C3%CA%C0%BD%E7&page=2", "你好世界",
			},
			"a form sent by GET": {
				func(b *browser) { b.types("#search input", "誠品 100%&=+"); b.tap("#search button") },
				page + "?name=%D5%5C%C6%B7+100%25%26%3D%2B", "誠品 100%&=+",
			},
			"an address with a stray byte": {
				func(b *browser) { b.open(page + "?name=%C4%E3%FF%20&empty=&&x") },
				page + "?name=%C4%E3%FF%20&empty=&&x", "你? ",
			},
		} {
			t.Run(fmt.Sprintf("%s, signed out %v", name, signedOut), func(t *testing.T) {
				b := b.in(t)
				b.open(page)
				if signedOut {
					b.loses(site)
				}
				c.does(b)
				b.arrives(c.at)
				b.reads("#name", c.shows)
				b.reloads()
				b.reads("#name", c.shows)
				b.goes(-1)
				b.arrives(page)
			})
		}
	}
}

// The second byte of a character in GBK may be a backslash, a bar or another
// that browsers do not escape in a link. (Tomcat refuses these bytes with and
// without the gateway, unless relaxedQueryChars allows them.)
func TestBrowserGBKBackslash(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{auth: "scope snsapi_base\n\t\tpublic /"})
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=GBK")
		_, _ = rw.Write([]byte("<title>app</title>app: " + r.RequestURI + "<p><a href=\"/list?name=\xd5\\\x84|\xc4\xe3&b=%5C\">\xd5\\</a>"))
	})
	b := w.phone("ming")
	b.open(site + "/")
	b.sees("誠")
	b.tap("a")
	const uri = `/list?name=%D5\%84|%C4%E3&b=%5C`
	b.arrives(site + uri)
	b.sees("app: " + uri)
	if got := w.app.last(t, uri); got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) {
		t.Errorf("the app was told %v", got)
	}
}

// A form in GBK, with a character that GBK does not have.
func TestBrowserGBKForm(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	b := w.phone("ming")
	b.signsInto(site+"/gbk.jsp?name=%C4%E3", "你")
	b.types("#reply textarea", "第一行 誠品\n\n第三行 <b>&nbsp; 🌸")
	b.tap("#reply button")
	b.arrives(site + "/gbk.jsp?name=%CC%FB%D7%D3")
	b.reads("#posted", "第一行 誠品\n\n第三行 <b>&nbsp; &#127800;")
	b.reads("#charset", "GBK")
	b.reads("#name", "帖子")
	b.reloads() // posts it again
	b.reads("#charset", "GBK")
}

// A script of a GBK page that is told 401 comes back to the page it is on.
func TestBrowserGBKScript(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("public /gbk.jsp")
	page := site + "/gbk.jsp?name=%C4%E3"
	b := w.phone("ming")
	b.open(page)
	b.reads("#name", "你")
	b.reads("#openid", "null")
	b.run(`fetch('/hello.jsp').then(r => r.json()).then(a => location.href = a.redirect_url)`)
	b.reads("#openid", w.wechat.OpenID("ming", appID))
	b.arrives(page)
	b.reads("#name", "你")
	// A link of such a page to the gateway's own sign-in: its text is GBK, too.
	b.loses(site)
	b.run(`const a = document.createElement('a'); a.href = '/_wechat/login?return_to=/gbk.jsp?name=你好'; document.body.append(a); a.click()`)
	b.arrives(site + "/gbk.jsp?name=%C4%E3%BA%C3")
	b.reads("#name", "你好")
}

// Old clients send the bytes as they are. They arrive as escapes of the same
// bytes.
func TestSecureGBKBytes(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	v := w.secureVisitor("ming")
	raw := v.rawGet(site, "/gbk.jsp?name=\xc4\xe3\xba\xc3")
	a := v.signIn(raw.Header.Get("Location"))
	if want := site + "/gbk.jsp?name=%C4%E3%BA%C3"; a.url != want {
		t.Errorf("ended at %s, want %s", a.url, want)
	}
	if got := attribute(a.body, `<p id="name">([^<]*)<`); got != "\xc4\xe3\xba\xc3" {
		t.Errorf("the app reads %q", got)
	}
}

// rawGet asks for an address as no library would, with the visitor's headers
// and cookies.
func (v *visitor) rawGet(site, target string) *http.Response {
	v.t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		v.t.Fatal(err)
	}
	config := v.client.Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = u.Hostname()
	conn, err := tls.Dial("tcp", "127.0.0.1:"+u.Port(), config)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = conn.Close() })
	var text strings.Builder
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", target, u.Host)
	for name, values := range v.header {
		fmt.Fprintf(&text, "%s: %s\r\n", name, values[0])
	}
	text.WriteString("\r\n")
	if _, err := conn.Write([]byte(text.String())); err != nil {
		v.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = response.Body.Close()
	v.client.Jar.SetCookies(u, response.Cookies())
	return response
}
