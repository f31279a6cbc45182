package test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// wikiSite runs the gateway on https before DokuWiki, as docs/oldapps.md says
// and with one option more, and returns its origin.
func (w *world) wikiSite(option string) (string, phpServer) {
	w.t.Helper()
	server := wiki(w.t)
	text, err := os.ReadFile("../docs/oldapps.md")
	if err != nil {
		w.t.Fatal(err)
	}
	site := regexp.MustCompile(`(?ms)^wiki\.example\.com \{\n\twechat_auth \{\n\t\t(.*?)\n\t\}\n(.*?)^\}`).FindStringSubmatch(string(text))
	if site == nil {
		w.t.Fatal("docs/oldapps.md has no site wiki.example.com")
	}
	proxy := site[2]
	for documented, here := range map[string]string{"/usr/share/dokuwiki": server.root, "unix//run/php/php8.2-fpm.sock": server.address} {
		if !strings.Contains(proxy, documented) {
			w.t.Fatalf("no %s in:\n%s", documented, proxy)
		}
		proxy = strings.ReplaceAll(proxy, documented, here)
	}
	return w.secureSite(options{auth: site[1] + "\n\t\t" + option, proxy: proxy}), server
}

// saved returns the text of a page as the wiki keeps it.
func (s phpServer) saved(t *testing.T, id string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.root, "data/pages", url.QueryEscape(id)+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wikiPage is the address of a page, as browsers show it.
func wikiPage(site, id, more string) string {
	return site + "/doku.php?id=" + url.QueryEscape(id) + more
}

// writes opens a page's editor, types a text and saves it.
func (b *browser) writes(site, id, text string) {
	b.t.Helper()
	b.open(wikiPage(site, id, "&do=edit"))
	b.types("#wiki__text", text)
	b.tap("#edbtn__save")
	b.arrives(wikiPage(site, id, ""))
}

// known waits until the wiki says who is signed in. (On a phone it is there,
// but not shown.)
func (b *browser) known(as string) {
	b.t.Helper()
	b.is("is known as "+as, fmt.Sprintf("document.querySelector('li.user').textContent.includes(%q)", as))
}

// A day with a wiki: it knows its visitor without a form of its own, and is
// written, read again, walked back and forth, and left.
func TestBrowserWiki(t *testing.T) {
	w := newWorld(t)
	site, server := w.wikiSite("")
	b := w.phone("ming")
	b.signsInto(wikiPage(site, "start", ""), "该主题尚不存在")
	b.known("小明")

	id, text := "公告"+w.port, "====== 公告 ======\n\n第一行 <b> & 100% + 加号\n\n最后一行 🌸"
	b.writes(site, id, text)
	b.sees("第一行 <b> & 100% + 加号")
	if got := server.saved(t, id); got != text {
		t.Errorf("the wiki has %q, want %q", got, text)
	}
	changes, err := os.ReadFile(filepath.Join(server.root, "data/meta", url.QueryEscape(id)+".changes"))
	user := b.personID()
	if columns := strings.Split(string(changes), "\t"); err != nil || len(columns) < 5 || columns[4] != user {
		t.Errorf("the wiki says that it was changed by %q (%v), want %s", changes, err, user)
	}
	b.reloads()
	b.sees("最后一行 🌸")

	// Back to the editor, forward to the page. Nothing is saved twice.
	b.goes(-1)
	b.is("is in the editor or at the page", `document.querySelector('#wiki__text') || document.body.innerText.includes('最后一行')`)
	b.goes(1)
	b.sees("最后一行 🌸")
	if got := strings.Count(string(mustRead(t, filepath.Join(server.root, "data/meta", url.QueryEscape(id)+".changes"))), "\n"); got != 1 {
		t.Errorf("the page was saved %d times", got)
	}

	// Two tabs, one session of the app, one of the gateway.
	other := b.tab()
	other.open(wikiPage(site, "甲", "&do=edit"))
	b.open(wikiPage(site, "乙", "&do=edit"))
	other.types("#wiki__text", "写在甲")
	b.types("#wiki__text", "写在乙")
	other.tap("#edbtn__save")
	b.tap("#edbtn__save")
	other.arrives(wikiPage(site, "甲", ""))
	b.arrives(wikiPage(site, "乙", ""))
	if a, b := server.saved(t, "甲"), server.saved(t, "乙"); a != "写在甲" || b != "写在乙" {
		t.Errorf("the two tabs saved %q and %q", a, b)
	}

	// Out in one tab is out in both: the app says so by a header.
	cookie := b.sessionCookie(site)
	cookieName, stolen := cookie.Name, cookie.Value
	b.run(`const tools = document.querySelector('select.quickselect'); tools.value = 'logout'; tools.form.submit()`)
	b.arrives(site + "/lib/plugins/authwechat/bye.html")
	b.sees("您已退出")
	if cookie = b.sessionCookie(site); cookie != nil {
		t.Errorf("the session cookie is still there: %+v", cookie)
	}
	other.is("refuses the other tab's script", `fetch('/lib/exe/ajax.php', {method: 'POST'}).then(r => window.status = r.status) && window.status == 401`)
	header := http.Header{"Accept": {"application/json"}, "Cookie": {cookieName + "=" + stolen}}
	if a := w.secureVisitor("ming").send(http.MethodGet, site+"/doku.php", "", header); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a copy of the cookie has %s", a.Status)
	}
	// And in again, as the same person.
	b.tap("a")
	b.known("小明")
	b.known(user)
}

// Another person is another user of the wiki.
func TestBrowserWikiUsers(t *testing.T) {
	w := newWorld(t)
	site, _ := w.wikiSite("")
	for person, nickname := range map[string]string{"ming": "小明", "hong": "小红 🌸"} {
		b := w.phone(person)
		b.signsInto(wikiPage(site, "start", ""), "该主题尚不存在")
		b.known(nickname)
		b.known(b.personID())
	}
	// What is not for visitors, and what they claim to be.
	v := w.secureVisitor("ming")
	for path, want := range map[string]int{"/conf/local.php": 404, "/data/pages/start.txt": 404, "/inc/init.php": 404, "/lib/plugins/authwechat/bye.html": 200} {
		if a := v.open(site + path); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, a.Status, want)
		}
	}
}

// Files get there by the app's script and by a form without scripts.
func TestBrowserWikiUpload(t *testing.T) {
	w := newWorld(t)
	site, server := w.wikiSite("")
	folder := t.TempDir()
	content := append([]byte("%PDF-1.4\r\n\x00\xff\xfe--\r\n中文\n"), make([]byte, 300_000)...)
	for _, name := range []string{"script.pdf", "form.pdf"} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := w.phone("ming")
	b.signsInto(wikiPage(site, "start", ""), "该主题尚不存在")
	b.known("小明")

	b.open(site + "/lib/exe/mediamanager.php?ns=files")
	b.do(chromedp.SetUploadFiles(`#mediamanager__uploader input[type=file]`, []string{filepath.Join(folder, "script.pdf")}, chromedp.ByQuery))
	b.tap("#mediamanager__upload_button")
	b.is("is told that the file is there", `document.querySelector('.qq-upload-success')`)

	b.do(emulation.SetScriptExecutionDisabled(true))
	b.open(site + "/lib/exe/mediamanager.php?ns=files")
	b.do(chromedp.SetUploadFiles(`#upload__file`, []string{filepath.Join(folder, "form.pdf")}, chromedp.ByQuery))
	b.types("#upload__name", "form.pdf")
	b.tap("#dw__upload button")
	b.is("is told that the file is there", `document.querySelector('div.success')`)

	for _, name := range []string{"script.pdf", "form.pdf"} {
		if got := mustRead(t, filepath.Join(server.root, "data/media/files", name)); string(got) != string(content) {
			t.Errorf("%s arrived as %d bytes, want %d", name, len(got), len(content))
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
