package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// What a person does in an old app, and what happens to the session meanwhile.

// signsInto opens an address for the first time, goes all the way, and waits
// for a text of the app.
func (b *browser) signsInto(address, text string) {
	b.t.Helper()
	b.open(address)
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.allow()
	b.arrives(address)
	b.sees(text)
}

// types writes into a field of a form, as typing does: what the field held is
// replaced.
func (b *browser) types(selector, text string) {
	b.t.Helper()
	b.is("finds "+selector, fmt.Sprintf("document.querySelector(%q)", selector))
	if err := b.js(fmt.Sprintf(`(e => { e.value = %s; e.dispatchEvent(new Event('input', {bubbles: true})); })(document.querySelector(%q))`, inScript(text), selector), nil); err != nil {
		b.t.Fatalf("%v\n%s", err, b.situation())
	}
}

// reads waits until an element or a field holds exactly a text.
func (b *browser) reads(selector, text string) {
	b.t.Helper()
	b.is(selector+" holds "+text, fmt.Sprintf(`(e => e && (e.value ?? e.textContent) === %s)(document.querySelector(%q))`, inScript(text), selector))
}

// loses ends the session in this browser, as its age does: all cookies of the
// gateway are gone, and those of the app stay.
func (b *browser) loses(site string) {
	b.t.Helper()
	if b.sessionCookie(site) == nil {
		b.t.Fatal("no session cookie to lose")
	}
	for _, cookie := range b.cookies(site) {
		if strings.HasPrefix(cookie.Name, "__Host-wechat") {
			b.do(network.DeleteCookies(cookie.Name).WithDomain(cookie.Domain).WithPath(cookie.Path))
		}
	}
}

// sessionCookie is the gateway's cookie for the session, or nil.
func (b *browser) sessionCookie(site string) *network.Cookie {
	b.t.Helper()
	for _, cookie := range b.cookies(site) {
		if cookie.Name == "__Host-wechat-"+b.world.port {
			return cookie
		}
	}
	return nil
}

// inScript writes a text as a script does. (JSON, for HTML's sake, is one.)
func inScript(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// in is the same tab, for another test.
func (b *browser) in(t *testing.T) *browser {
	other := *b
	other.t = t
	return &other
}

// personID asks the gateway for the X-Wechat-User of the browser's visitor.
func (b *browser) personID() string {
	b.t.Helper()
	b.is("knows its visitor", `fetch('/_wechat/session').then(r => r.json()).then(s => window.visitor = s.user.id) && window.visitor`)
	var id string
	if err := b.js("window.visitor", &id); err != nil || id == "" {
		b.t.Fatalf("no person: %v\n%s", err, b.situation())
	}
	return id
}

// text evaluates an expression to a text.
func (b *browser) text(expression string) string {
	b.t.Helper()
	var text string
	if err := b.js(expression, &text); err != nil {
		b.t.Fatalf("%v\n%s", err, b.situation())
	}
	return text
}
