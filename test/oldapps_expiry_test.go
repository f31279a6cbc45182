package test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// The session ends while somebody writes in an old app. What was typed arrives,
// whole and once, in the app's own session, which has gone on.

func TestBrowserWikiSessionEndsInTheForm(t *testing.T) {
	for name, c := range map[string]struct {
		option string
		ends   func(b *browser, site string)
		tap    bool
	}{
		"with a tap":    {"", (*browser).loses, true},
		"without a tap": {"preserve_post auto", (*browser).sessionEnds, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			site, server := w.wikiSite(c.option)
			b := w.phone("ming")
			b.signsInto(wikiPage(site, "start", ""), "该主题尚不存在")
			id, text := "长文"+w.port, "====== 长文 ======\n\n第一行 <b> & 100% + 加号\n\n  * \"引号\" 'x'\n"+strings.Repeat("一小时写的字。🌸\n", 300)+"\n最后一行"
			b.open(wikiPage(site, id, "&do=edit"))
			b.types("#wiki__text", text)
			c.ends(b, site)
			b.tap("#edbtn__save")
			if c.tap {
				b.meets("resend", "提交刚才填写的内容")
				b.tap(sendButton)
			}
			b.arrives(wikiPage(site, id, ""))
			b.sees("最后一行")
			b.known("小明")
			if got := server.saved(t, id); got != text {
				t.Errorf("the wiki has %d bytes, want %d: %.200q", len(got), len(text), got)
			}
			b.reloads()
			b.sees("最后一行")
			b.goes(-1)
			b.open(wikiPage(site, id, ""))
			if got := strings.Count(string(mustRead(t, filepath.Join(server.root, "data/meta", url.QueryEscape(id)+".changes"))), "\n"); got != 1 {
				t.Errorf("the page was saved %d times", got)
			}
		})
	}
}

// In Tomcat: a form in GBK, and one whose address names the app's session.
func TestBrowserTomcatSessionEndsInTheForm(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("")
	b := w.phone("ming")
	b.signsInto(site+"/gbk.jsp?name=%C4%E3", "你")
	b.types("#reply textarea", "第一行 誠品\n\n第三行 <b>&nbsp; 🌸")
	b.loses(site)
	b.tap("#reply button")
	b.meets("resend", "提交刚才填写的内容")
	b.tap(sendButton)
	b.arrives(site + "/gbk.jsp?name=%CC%FB%D7%D3")
	b.reads("#posted", "第一行 誠品\n\n第三行 <b>&nbsp; &#127800;")
	b.reads("#charset", "GBK")
	b.reads("#name", "帖子")

	const example = "/examples/servlets/servlet/SessionExample"
	b.open(site + example)
	b.is("has rewritten addresses", `document.forms[0].action.includes(';jsessionid=')`)
	id := b.text(`document.body.innerText.match(/[0-9A-F]{32}/)[0]`)
	b.types("form[method=POST] [name=dataname]", "colour")
	b.types("form[method=POST] [name=datavalue]", "green & 100%")
	b.loses(site)
	b.tap("form[method=POST] [type=submit]")
	b.meets("resend", "提交刚才填写的内容")
	b.tap(sendButton)
	b.arrives(site + example + ";jsessionid=" + id)
	b.sees("colour = green & 100%")
	b.sees(id)
}
