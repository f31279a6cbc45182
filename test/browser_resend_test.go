package test

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/session"
)

// oldForm is what an app from 2009 sends: duplicates, empty fields, a textarea,
// names that hide what a form can do, and text that tries to be a script.
const oldForm = `<title>app</title>app: form
<form method="post" action="/save?id=7&amp;n=%D6%D0" id="f">
<input name="name"><textarea name="text"></textarea>
<input type="checkbox" name="tag" value="a" checked><input type="checkbox" name="tag" value="a" checked><input type="checkbox" name="tag" value="b" checked>
<input name="empty"><input type="hidden" name="_charset_">
<input type="hidden" name="action" value="x"><input type="hidden" name="submit" value="x"><input type="hidden" name="addEventListener" value="x">
<input type="hidden" name="setAttribute" value="x"><input type="hidden" name="removeAttribute" value="x"><input type="hidden" name="hidden" value="x">
<input type="hidden" name="&lt;/script>&lt;script>window.hacked=1&lt;/script>" value="&lt;/script>&lt;img src=x onerror=window.hacked=1>">
<input type="hidden" name="link" value="javascript:window.hacked=1">
<button name="button" value="save" id="save">save</button></form>`

const uploadForm = `<title>app</title>app: form
<form method="post" action="/save" enctype="multipart/form-data" id="f">
<input name="name"><input type="file" name="photo" id="file"><input type="file" name="none">
<textarea name="text"></textarea><input name="quote&quot;d" value="1"><input name="empty">
<button name="button" value="save" id="save">save</button></form>`

// typed is what a person types; the last characters are not in GBK.
const typed = `document.querySelector('[name=name]').value = '王小明 <b>&+%';
	document.querySelector('[name=text]').value = '\n第一行\n\n  第三行 "引号" €\n🌸 ';`

// oldApp serves the forms, each in UTF-8 and GBK.
func oldApp(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	if strings.HasPrefix(r.URL.Path, "/gbk/") {
		rw.Header().Set("Content-Type", "text/html; charset=GBK")
	}
	switch {
	case r.Method == http.MethodPost:
		_, _ = rw.Write([]byte("<title>app</title>app: saved"))
	case strings.HasSuffix(r.URL.Path, "/upload"):
		_, _ = rw.Write([]byte(uploadForm))
	default:
		_, _ = rw.Write([]byte(oldForm))
	}
}

// posts returns the POSTs that the app received since the last take.
func (a *app) posts() (posts []received) {
	for _, r := range a.take() {
		if r.method == http.MethodPost {
			posts = append(posts, r)
		}
	}
	return posts
}

// bytes returns the body of a POST, without the boundary that browsers draw for
// each.
func (r received) bytes(t *testing.T) string {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if params["boundary"] == "" {
		return r.body
	}
	return strings.ReplaceAll(r.body, params["boundary"], "boundary")
}

// fills opens a form and fills it in.
func (b *browser) fills(address string) {
	b.t.Helper()
	b.open(address)
	b.arrives(address)
	b.do(chromedp.Evaluate(typed, nil))
}

// keepsNothing fails if the tab keeps a form.
func (b *browser) keepsNothing() {
	b.t.Helper()
	var kept bool
	if err := b.js(`sessionStorage.getItem("wechat-form") !== null`, &kept); err != nil || kept {
		b.t.Errorf("the tab keeps a form (%v)\n%s", err, b.situation())
	}
}

const sendButton = "#kept-form button.primary"

// What a browser sends after the sign-in is byte for byte what it would have
// sent before, in every charset and encoding.
func TestBrowserFormIsSentAfterSignIn(t *testing.T) {
	for name, path := range map[string]string{
		"UTF-8": "/form?id=7", "GBK": "/gbk/form?id=7", "multipart UTF-8": "/upload", "multipart GBK": "/gbk/upload",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app.answer(oldApp)
			site := w.secureSite(options{})
			b := w.phone("ming")
			b.signsIn(site + path)
			b.fills(site + path)
			w.app.take()
			b.tap("#save")
			b.sees("app: saved")
			before := w.app.posts()
			if len(before) != 1 {
				t.Fatalf("the app received %d forms, want 1", len(before))
			}

			b.fills(site + path)
			b.forgets(site)
			b.tap("#save")
			b.meets("resend", "提交刚才填写的内容")
			b.is("says where it is sent", "document.querySelector('#kept-target').innerText.startsWith("+quote(strings.TrimPrefix(site, "https://")+"/save")+")")
			b.is("shows what was entered", "document.querySelector('#kept-list').textContent.includes('第三行 \"引号\"')")
			b.reloads()
			b.meets("resend", "提交刚才填写的内容")
			if posts := w.app.posts(); len(posts) != 0 {
				t.Fatalf("sent before it was asked for: %v", posts)
			}
			b.tap(sendButton)
			b.sees("app: saved")
			after := w.app.posts()
			if len(after) != 1 {
				t.Fatalf("the app received %d forms, want 1", len(after))
			}
			if got, want := after[0].bytes(t), before[0].bytes(t); got != want || after[0].uri != before[0].uri {
				t.Errorf("sent to %s\n%q\nwant %s\n%q", after[0].uri, got, before[0].uri, want)
			}
			for _, header := range []string{"Origin", "Referer", "Sec-Fetch-Site"} {
				if got, want := after[0].header.Get(header), before[0].header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			b.keepsNothing()
			b.is("runs no script of the form", "!window.hacked")

			// Back leads to the form, and nothing is sent again.
			b.goes(-1)
			b.arrives(site + path)
			b.reloads()
			b.sees("app: form")
			if posts := w.app.posts(); len(posts) != 0 {
				t.Errorf("sent again: %v", posts)
			}
		})
	}
}

// A file is not kept: the page says so, names the field and takes it again.
func TestBrowserFormWithAFile(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{})
	photo := filepath.Join(t.TempDir(), "photo.jpg")
	if err := os.WriteFile(photo, []byte(strings.Repeat("\xff\xd8 pixels", 300_000)), 0o600); err != nil { // 2.7 MB
		t.Fatal(err)
	}
	b := w.phone("ming")
	b.signsIn(site + "/upload")
	send := func() {
		b.fills(site + "/upload")
		b.do(chromedp.SetUploadFiles("#file", []string{photo}, chromedp.ByQuery))
	}
	send()
	w.app.take()
	b.tap("#save")
	b.sees("app: saved")
	before := w.app.posts()

	send()
	b.forgets(site)
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	b.sees("文件没有保留，请重新选择：")
	b.is("names the field", "document.querySelector('#kept-fields label').innerText.trim() === 'photo'")
	var text string
	if err := b.js(`sessionStorage.getItem("wechat-form")`, &text); err != nil || strings.Contains(text, "pixels") || !strings.Contains(text, "photo") {
		t.Errorf("the tab keeps %.200s (%v)", text, err)
	}
	b.do(chromedp.SetUploadFiles("#kept-fields label input", []string{photo}, chromedp.ByQuery))
	b.tap(sendButton)
	b.sees("app: saved")
	after := w.app.posts()
	if len(before) != 1 || len(after) != 1 || before[0].bytes(t) != after[0].bytes(t) {
		t.Errorf("%d and %d forms, or different ones", len(before), len(after))
	}
}

// A password is not kept: the page asks for it again, in its place.
func TestBrowserFormWithAPassword(t *testing.T) {
	w := newWorld(t)
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte(`<title>app</title>app: ` + r.Method + `<form method="post" action="/save">
<input name="a" value="1"><input name="newPassword" value="hunter2"><input name="b" value="2"><button id="save">save</button></form>`))
	})
	site := w.secureSite(options{auth: "preserve_post auto"})
	b := w.phone("ming")
	b.signsIn(site + "/form")
	b.sessionEnds(site)
	w.app.take()
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	b.sees("密码、卡号没有保留，请重新填写：")
	if posts := w.app.posts(); len(posts) != 0 {
		t.Fatalf("sent without the password: %v", posts)
	}
	var text string
	if err := b.js(`sessionStorage.getItem("wechat-form") + document.documentElement.outerHTML`, &text); err != nil || strings.Contains(text, "hunter2") {
		t.Errorf("the tab keeps the password (%v)", err)
	}
	b.do(chromedp.SendKeys("#kept-fields input[type=password]", "other", chromedp.ByQuery))
	b.tap(sendButton)
	b.sees("app: POST")
	if posts := w.app.posts(); len(posts) != 1 || posts[0].body != "a=1&newPassword=other&b=2" {
		t.Errorf("sent %v", posts)
	}
}

// sessionEnds ends the browser's session, whose cookie stays, as an operator or
// another device does.
func (b *browser) sessionEnds(site string) {
	b.t.Helper()
	cookies := b.cookies(site)
	b.logsOut()
	for _, cookie := range cookies {
		if isSession(cookie.Name) {
			b.do(network.SetCookie(cookie.Name, cookie.Value).WithURL(site + "/").WithPath("/").WithSecure(true).WithHTTPOnly(true))
		}
	}
}

// logsOut signs out by a script of the page.
func (b *browser) logsOut() {
	b.t.Helper()
	var status int
	b.do(chromedp.Evaluate(`fetch("/_wechat/logout", {method: "POST"}).then(r => r.status)`, &status,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if status != http.StatusOK {
		b.t.Fatalf("the logout answers %d", status)
	}
}

// With auto the same person taps nothing.
func TestBrowserFormIsSentByItself(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "preserve_post auto"})
	b := w.phone("ming")
	b.signsIn(site + "/form?id=7")
	b.fills(site + "/form?id=7")
	b.sessionEnds(site)
	w.app.take()
	b.tap("#save")
	b.sees("app: saved")
	posts := w.app.posts()
	if len(posts) != 1 || !strings.Contains(posts[0].body, "name=%E7%8E%8B") {
		t.Fatalf("the app received %v", posts)
	}
	b.keepsNothing()
	b.goes(-1)
	b.arrives(site + "/form?id=7")
	b.reloads()
	if again := w.app.posts(); len(again) != 0 {
		t.Errorf("sent again: %v", again)
	}
	// A form that comes back at once waits for a tap: no endless loop.
	b.fills(site + "/form?id=7")
	b.sessionEnds(site)
	b.is("remembers when it sent a form by itself", `sessionStorage.getItem("wechat-form-auto") > 0`)
	b.do(chromedp.Evaluate(`sessionStorage.setItem("wechat-form-auto", Date.now())`, nil)) // this machine may be slow
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	if again := w.app.posts(); len(again) != 0 {
		t.Errorf("sent again by itself: %v", again)
	}
}

// A step-up keeps the form as well: the question is answered, and it is sent.
func TestBrowserFormAtAStepUp(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "preserve_post auto\n\t\tscope snsapi_base\n\t\tscope snsapi_userinfo /save"})
	b := w.phone("ming")
	b.fills(site + "/form?id=7")
	w.app.take()
	b.tap("#save")
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.allow()
	b.sees("app: saved")
	if posts := w.app.posts(); len(posts) != 1 || posts[0].header.Get("X-Wechat-Scope") != "snsapi_userinfo" {
		t.Errorf("the app received %v", posts)
	}
}

// Another person signs in: nothing is sent by itself, the page says so, and
// does not show what was entered.
func TestBrowserAttackAnotherPerson(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "preserve_post auto\n\t\tscope snsapi_base"})
	b := w.phone("ming")
	b.fills(site + "/form?id=7")
	b.sessionEnds(site)
	b.do(b.holds("hong"))
	w.app.take()
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	b.sees("另一位用户")
	if b.shows("第三行") || b.shows("查看填写的内容") {
		t.Error("the page shows what the first person entered")
	}
	if posts := w.app.posts(); len(posts) != 0 {
		t.Errorf("sent by itself: %v", posts)
	}
	b.tap("#kept-drop")
	b.arrives(site + "/form?id=7")
	b.keepsNothing()
	b.goes(-1)
	if posts := w.app.posts(); len(posts) != 0 {
		t.Errorf("sent after it was dropped: %v", posts)
	}
}

// The page waits for a tap, and meanwhile another person signs in in another
// tab: the tap sends nothing. The page says so, and needs another tap.
func TestBrowserAttackAnotherPersonBeforeTheTap(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "scope snsapi_base"})
	b := w.phone("ming")
	b.fills(site + "/form?id=7")
	b.sessionEnds(site)
	w.app.take()
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	if b.shows("另一位用户") {
		t.Error("the page takes the person for another one")
	}
	other := b.tab()
	other.do(phoneScreen())
	other.expires(site)
	other.do(other.holds("hong"))
	other.open(site + "/form?id=8")
	other.arrives(site + "/form?id=8")
	b.do(page.BringToFront())
	b.tap(sendButton)
	b.sees("另一位用户")
	if b.shows("第三行") {
		t.Error("the page shows what the first person entered")
	}
	if posts := w.app.posts(); len(posts) != 0 {
		t.Fatalf("sent as another person: %v", posts)
	}
	b.tap("#kept-form button.button")
	b.sees("app: saved")
	if posts := w.app.posts(); len(posts) != 1 {
		t.Errorf("sent %d times, want once", len(posts))
	}
}

// Two tabs keep a form each, and send each its own.
func TestBrowserFormsOfTwoTabs(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "scope snsapi_base"})
	first := w.phone("ming")
	first.open(site + "/form?id=7")
	second := first.tab()
	second.do(phoneScreen())
	second.open(site + "/form?id=7")
	first.forgets(site)
	w.app.take()
	tabs := []*browser{first, second}
	for i, b := range tabs {
		first.expires(site) // the other tab has signed in again
		b.do(page.BringToFront(), chromedp.Evaluate(fmt.Sprintf("document.querySelector('[name=name]').value = 'tab%d'", i), nil))
		b.tap("#save")
		b.is("waits", "document.querySelector('main.resend #kept-form:not([hidden])')")
	}
	for i, b := range tabs {
		b.do(page.BringToFront())
		b.tap(sendButton)
		b.sees("app: saved")
		if posts := w.app.posts(); len(posts) != 1 || !strings.Contains(posts[0].body, fmt.Sprintf("name=tab%d&", i)) {
			t.Errorf("tab %d sent %v", i, posts)
		}
	}
}

// expires removes the cookie of a site's session, and leaves our others.
func (b *browser) expires(site string) {
	b.t.Helper()
	for _, cookie := range b.cookies(site) {
		if isSession(cookie.Name) {
			b.do(network.DeleteCookies(cookie.Name).WithDomain(cookie.Domain).WithPath(cookie.Path))
		}
	}
}

// isSession reports whether a cookie is that of a session, on any port.
func isSession(name string) bool { return (session.SessionCookie{}).Owns(name) }

// A copy of the tab has a copy of the storage: the form is sent once.
func TestBrowserAttackFormInACopyOfTheTab(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "scope snsapi_base"})
	b := w.phone("ming")
	b.fills(site + "/form?id=7")
	b.forgets(site)
	w.app.take()
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	var record string
	if err := b.js(`sessionStorage.getItem("wechat-form")`, &record); err != nil {
		t.Fatal(err)
	}
	here := b.address()
	copied := b.tab()
	copied.do(phoneScreen())
	copied.open(site + "/form?id=7")
	copied.do(chromedp.Evaluate(`sessionStorage.setItem("wechat-form", `+quote(record)+`)`, nil))
	copied.open(here)
	copied.is("waits", "document.querySelector('main.resend #kept-form:not([hidden])')")
	b.do(page.BringToFront())
	b.tap(sendButton)
	b.sees("app: saved")
	copied.do(page.BringToFront())
	copied.tap(sendButton)
	copied.sees("现在没有等待提交的内容")
	if posts := w.app.posts(); len(posts) != 1 {
		t.Errorf("sent %d times", len(posts))
	}
	copied.keepsNothing()
}

// Without scripts, and without room in the storage: the honest page, which
// leads back to the form.
func TestBrowserFormWithoutScripts(t *testing.T) {
	for name, action := range map[string]chromedp.Action{
		"no script": emulation.SetScriptExecutionDisabled(true),
		"no room": chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument("Storage.prototype.setItem = function () { throw new Error('full'); };").Do(ctx)
			return err
		}),
		"no storage": chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument("Object.defineProperty(window, 'sessionStorage', {get: function () { throw new Error('blocked'); }});").Do(ctx)
			return err
		}),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app.answer(oldApp)
			site := w.secureSite(options{auth: "scope snsapi_base"})
			b := w.phone("ming")
			b.do(action)
			b.open(site + "/form?id=7")
			b.forgets(site)
			w.app.take()
			b.tap("#save")
			b.is("meets the honest page", "document.querySelector('main.sign_in_expired')")
			b.rests()
			b.sees("您刚才填写的内容没有提交")
			b.tap("a.button.primary")
			b.arrives(site + "/form?id=7")
			if posts := w.app.posts(); len(posts) != 0 {
				t.Errorf("sent: %v", posts)
			}
		})
	}
}

// A form that is too large: the browser shows the honest page.
func TestBrowserFormThatIsTooLarge(t *testing.T) {
	for name, path := range map[string]string{"urlencoded": "/form?id=7", "multipart": "/upload"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app.answer(oldApp)
			site := w.secureSite(options{auth: "scope snsapi_base"})
			b := w.phone("ming")
			b.open(site + path)
			b.forgets(site)
			w.app.take()
			b.do(chromedp.Evaluate(`document.querySelector('[name=text]').value = 'x'.repeat(8 << 20)`, nil))
			b.tap("#save")
			b.meets("sign_in_expired", "内容太多，没有提交")
			b.sees("您刚才填写的内容没有提交")
			b.keepsNothing()
			if posts := w.app.posts(); len(posts) != 0 {
				t.Errorf("sent: %v", posts)
			}
		})
	}
}

// What is kept goes after ten minutes, and at a logout.
func TestBrowserFormIsDropped(t *testing.T) {
	w := newWorld(t)
	w.app.answer(oldApp)
	site := w.secureSite(options{auth: "scope snsapi_base"})
	keep := func(b *browser) {
		b.fills(site + "/form?id=7")
		b.forgets(site)
		b.tap("#save")
		b.is("waits", "document.querySelector('main.resend #kept-form:not([hidden])')")
	}
	t.Run("after ten minutes, while the page is open", func(t *testing.T) {
		b := w.phone("ming")
		b.do(chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument("window.later = []; window.setTimeout = function (f, ms) { later.push([f, ms]); };").Do(ctx)
			return err
		}))
		keep(b)
		b.is("has a timer of ten minutes", "later.some(l => l[1] > 540000 && 600000 >= l[1] && (l[0](), true))")
		b.sees("现在没有等待提交的内容")
		b.keepsNothing()
	})
	t.Run("after ten minutes, opened again", func(t *testing.T) {
		b := w.phone("ming")
		keep(b)
		b.do(chromedp.Evaluate(`(r => { r.until = Date.now() - 1; sessionStorage.setItem("wechat-form", JSON.stringify(r)); })(JSON.parse(sessionStorage.getItem("wechat-form")))`, nil))
		b.reloads()
		b.sees("现在没有等待提交的内容")
		b.keepsNothing()
	})
	t.Run("at a logout", func(t *testing.T) {
		b := w.phone("ming")
		keep(b)
		b.run(`const f = document.createElement("form"); f.method = "post"; f.action = "/_wechat/logout"; document.body.append(f); f.submit()`)
		b.meets("signed_out", "已退出登录")
		b.keepsNothing()
	})
	t.Run("at a logout in another tab", func(t *testing.T) {
		b := w.phone("ming")
		keep(b)
		other := b.tab()
		other.open(site + "/form?id=7")
		other.logsOut()
		b.do(page.BringToFront())
		b.reloads()
		b.sees("现在没有等待提交的内容")
		b.keepsNothing()
	})
	if posts := w.app.posts(); len(posts) != 0 {
		t.Errorf("sent: %v", posts)
	}
}

// The app may answer with a redirect to another site, such as one for payments.
func TestBrowserFormThatLeadsElsewhere(t *testing.T) {
	w := newWorld(t)
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(rw, r, "http://"+w.app.address()+"/pay", http.StatusSeeOther)
			return
		}
		oldApp(rw, r)
	})
	site := w.secureSite(options{auth: "scope snsapi_base"})
	b := w.phone("ming")
	b.fills(site + "/form?id=7")
	b.forgets(site)
	b.tap("#save")
	b.meets("resend", "提交刚才填写的内容")
	b.tap(sendButton)
	b.arrives("http://" + w.app.address() + "/pay")
}
