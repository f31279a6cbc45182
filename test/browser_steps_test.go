package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// open types an address and waits until its page, or the one that it leads to,
// is there.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// tap taps in the middle of what a selector finds. What happens then is waited
// for by whoever taps. It looks for the place by itself: the library loses
// track of pages that come out of the browser's cache on Back.
func (b *browser) tap(selector string) {
	b.t.Helper()
	b.is("finds "+selector+" under the finger", fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e) return false;
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect();
		const under = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
		return r.width > 0 && e.contains(under);
	})()`, selector))
	var at struct{ X, Y float64 }
	if err := b.js(fmt.Sprintf("(r => ({x: r.x + r.width / 2, y: r.y + r.height / 2}))(document.querySelector(%q).getBoundingClientRect())", selector), &at); err != nil {
		b.t.Fatalf("%v\n%s", err, b.situation())
	}
	b.do(chromedp.MouseClickXY(at.X, at.Y))
}

// allow taps 允许 on simulated WeChat's page.
func (b *browser) allow() {
	b.t.Helper()
	b.sees("申请获取以下权限")
	b.tap(`button[value="allow"]`)
}

// js evaluates an expression into result.
func (b *browser) js(expression string, result any) error {
	ctx, cancel := context.WithTimeout(b.ctx, browserLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate(expression, result))
}

// run has the page run a script that may lead elsewhere.
func (b *browser) run(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate("setTimeout(() => {"+script+"}, 0)", nil))
}

func quote(text string) string { return fmt.Sprintf("%q", text) }

// is waits until an expression is true. Between two pages there is nothing to
// evaluate it in: an error is a no.
func (b *browser) is(what, expression string) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(browserLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var yes bool
		if err = b.js("document.readyState === 'complete' && !!("+expression+")", &yes); err == nil && yes {
			return
		}
	}
	b.t.Fatalf("never: %s (%v)\n%s", what, err, b.situation())
}

// arrives waits until the address bar says exactly this, but for an empty
// fragment at its end.
func (b *browser) arrives(address string) {
	b.t.Helper()
	b.is("arrives at "+address, fmt.Sprintf("location.href.replace(/#$/, '') === %q", address))
}

// sees waits until a text can be read.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.is("sees "+text, fmt.Sprintf("document.body && document.body.innerText.includes(%q)", text))
}

// shows tells whether a text can be read now.
func (b *browser) shows(text string) bool {
	b.t.Helper()
	var yes bool
	if err := b.js(fmt.Sprintf("!!document.body && document.body.innerText.includes(%q)", text), &yes); err != nil {
		b.t.Fatalf("%v\n%s", err, b.situation())
	}
	return yes
}

// rests waits until the page has not changed for a while, whatever it is.
func (b *browser) rests() {
	b.t.Helper()
	last, since := "", time.Now()
	for deadline := time.Now().Add(browserLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var now string
		if err := b.js("document.readyState === 'complete' ? location.href + ' ' + performance.timeOrigin : ''", &now); err != nil || now == "" || now != last {
			last, since = now, time.Now()
		} else if time.Since(since) > 400*time.Millisecond {
			return
		}
	}
	b.t.Fatalf("never rests\n%s", b.situation())
}

// goes goes back or forward in the history, as the buttons do.
func (b *browser) goes(steps int) {
	b.t.Helper()
	b.run(fmt.Sprintf("history.go(%d)", steps))
	time.Sleep(100 * time.Millisecond)
	b.rests()
}

// reloads reloads, and waits.
func (b *browser) reloads() {
	b.t.Helper()
	b.do(chromedp.Reload())
}

// address is what the address bar says, but for an empty fragment at its end.
func (b *browser) address() string {
	b.t.Helper()
	var address string
	b.do(chromedp.Location(&address))
	return strings.TrimSuffix(address, "#")
}

// situation describes where the browser is, for a test that has failed.
func (b *browser) situation() string {
	var where, text string
	_ = b.js("location.href", &where)
	_ = b.js("document.body ? document.body.innerText.slice(0, 400) : ''", &text)
	return fmt.Sprintf("at %s\n%s\nconsole:\n%s", where, text, strings.Join(b.seen.all(), "\n"))
}

// scripts counts the script elements of pages. Those that keep, send or drop a
// form have data, and the script that reads it; open_in_wechat copies its
// address.
var scripts = map[string]int{"signed_out": 2, "resend": 2, "open_in_wechat": 1}

// meets waits for one of our pages and checks it: its kind, its Chinese title,
// only its own scripts, nothing that sticks out of a phone, its style in force,
// texts that can be read.
func (b *browser) meets(kind, title string) {
	b.t.Helper()
	b.is("meets "+kind, fmt.Sprintf("document.querySelector('main.%s')", kind))
	var page struct {
		Title, Heading, Lang, Font string
		Scripts                    int
		Wide                       bool
		Padding                    string
	}
	if err := b.js(`({
		title: document.title, heading: document.querySelector('h1').innerText, lang: document.documentElement.lang,
		scripts: document.scripts.length + [...document.querySelectorAll('*')].filter(e =>
			[...e.attributes].some(a => a.name.startsWith('on') || /^\s*javascript:/i.test(a.value))).length,
		wide: document.documentElement.scrollWidth > innerWidth,
		padding: getComputedStyle(document.querySelector('main')).paddingLeft,
		font: getComputedStyle(document.querySelector('h1')).fontSize,
	})`, &page); err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(page.Heading, title) || !strings.HasPrefix(page.Title, page.Heading) || !strings.HasPrefix(page.Lang, "zh") {
		b.t.Errorf("%s: heading %q, title %q, language %q", kind, page.Heading, page.Title, page.Lang)
	}
	if page.Scripts != scripts[kind] || page.Wide {
		b.t.Errorf("%s: %d scripts, wider than the screen: %v", kind, page.Scripts, page.Wide)
	}
	if page.Font != "23px" || page.Padding == "0px" {
		b.t.Errorf("%s: its style is not in force: %+v", kind, page)
	}
	b.readable(kind)
	b.picture(kind)
}

// picture keeps a screenshot where -screenshots says.
func (b *browser) picture(name string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	var png []byte
	b.do(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(*screenshots, strings.ReplaceAll(b.t.Name(), "/", "-")+"-"+name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
