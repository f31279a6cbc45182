package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// is at a place, byte for byte as a browser writes the address.
func (b *browser) isAt(address string) {
	b.t.Helper()
	b.is("is at "+address, "location.href === new URL("+quote(address)+").href")
}

// visitedAll returns the addresses of all documents, redirects included.
func (c *console) visitedAll() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.visited)
}

// countVisits counts the documents whose addresses contain part.
func (c *console) countVisits(part string) (n int) {
	for _, address := range c.visitedAll() {
		if strings.Contains(address, part) {
			n++
		}
	}
	return n
}

// The programs of docs/spa.md sign their visitors in and show the order of the
// route, also when the session ends while the page is open, under a strict
// Content-Security-Policy.
func TestBrowserProgramsOfTheDocument(t *testing.T) {
	w := newWorld(t)
	var site string
	w.app.answer(ordersApp(t, spaScripts(t), &site))
	site = w.secureSite(options{auth: "public /plain/* /vue/* /react/*"})
	for _, name := range []string{"plain", "vue", "react"} {
		t.Run(name, func(t *testing.T) {
			if err := w.wechat.AddPerson(wechattest.Person{ID: name, Nickname: "visitor of " + name}); err != nil {
				t.Fatal(err)
			}
			b := w.phone(name)
			b.t = t
			here := site + "/" + name + "/?x=1#/orders/7?tab=a%26b&q=中文"
			b.open(here)
			b.meets("consent", "使用微信登录")
			b.tap("a.button.primary")
			b.allow()
			b.sees("visitor of " + name + ": order /api/orders/7?tab=a%26b&q=")
			b.isAt(here)
			b.run("location.hash = '#/orders/8'")
			b.sees("order /api/orders/8")
			b.forgets(site)
			b.run("location.hash = '#/orders/9'")
			b.sees("order /api/orders/9")
			b.isAt(site + "/" + name + "/?x=1#/orders/9")
			// The silent step, the consent, and once more.
			if n := b.seen.countVisits(site + "/_wechat/login?asked_by=app"); n != 3 {
				t.Errorf("%d sign-ins began, want 3", n)
			}
		})
	}
}

// What the script does beside that.
func TestBrowserClientScript(t *testing.T) {
	w := newWorld(t)
	var site string
	w.app.answer(ordersApp(t, map[string][]byte{"page": []byte("var ready = 1")}, &site))
	site = w.secureSite(options{auth: "public /page/*\n\t\tscope snsapi_base"})
	here := site + "/page/?x=%26#/a?b=c%25&中"
	b := w.phone("ming")
	b.open(here)
	b.is("has the script", "window.ready && window.wechatGateway")

	// promises waits for what a promise gives, as JSON.
	promises := func(expression, want string) {
		t.Helper()
		b.is(expression+" promises "+want, fmt.Sprintf("(window.said = window.said || {})[%[1]q] === %[2]q || !(%[1]q in said) && "+
			"(said[%[1]q] = '…', (%[3]s).then(x => said[%[1]q] = JSON.stringify(x), e => said[%[1]q] = String(e)), false)", expression, want, expression))
	}
	answers := func(path string, want int) {
		t.Helper()
		promises("wechatGateway.fetch("+quote(path)+").then(r => r.text().then(() => r.status))", fmt.Sprint(want))
	}
	// leaves runs a script by which the page is left, and comes back.
	leaves := func(script string) {
		t.Helper()
		b.run("window.before = 1; " + script)
		b.is("is another page", "window.ready && window.wechatGateway && !window.before")
	}
	signIns := func(want int) {
		t.Helper()
		if n := b.seen.countVisits(site + "/_wechat/login"); n != want {
			t.Errorf("%d sign-ins began, want %d", n, want)
		}
		b.isAt(here)
	}

	promises("wechatGateway.session()", "null")
	leaves("wechatGateway.signIn('/page/?x=%26#/elsewhere')")
	b.isAt(site + "/page/?x=%26#/elsewhere")
	promises("wechatGateway.session().then(user => [user.openid, user.unionid || ''])", `["`+w.wechat.OpenID("ming", appID)+`",""]`)
	leaves("wechatGateway.signIn()")
	b.isAt(site + "/page/?x=%26#/elsewhere")
	promises("wechatGateway.jssdk().then(c => [c.appId, c.signature.length, c.nonceStr.length > 0, c.timestamp > 0])", `["`+appID+`",40,true,true]`)

	// Two requests are refused at once: one sign-in.
	b.open(here)
	b.forgets(site)
	before := b.seen.countVisits(site + "/_wechat/login")
	leaves("wechatGateway.fetch('/api/a'); wechatGateway.fetch('/api/b', {method: 'POST', body: 'x'})")
	promises("wechatGateway.session().then(user => !!user)", "true")
	signIns(before + 1)
	for _, path := range []string{"/api/a", "/api/b"} { // whichever was refused first
		answers(path, 200)
	}

	// A 401 that stays: one sign-in, then the app gets the answer, and again.
	leaves("wechatGateway.fetch('/api/refused')")
	for _, path := range []string{"/api/refused", "/api/refused?again"} {
		answers(path, 401)
	}
	signIns(before + 2)

	// What leads to another site, what says nothing, and what is no 401 of the
	// gateway, leads nowhere.
	b.run("sessionStorage.clear()")
	for _, path := range []string{"/api/foreign", "/api/twisted", "/api/own", "/api/null", "/api/text"} {
		answers(path, 401)
	}
	// Without a place to count in there is no sign-in by itself.
	b.run("Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('blocked') }})")
	answers("/api/refused", 401)
	signIns(before + 2)
	// Requests as fetch knows them.
	promises("wechatGateway.fetch(new Request('/api/x', {headers: {a: 'b'}})).then(r => r.json()).then(o => o.title)", `"order /api/x"`)
	promises("wechatGateway.fetch(new URL('/api/y', location), {cache: 'no-store'}).then(r => r.json()).then(o => o.title)", `"order /api/y"`)
}
