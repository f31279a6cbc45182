//go:build fleet

package test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// callbackHits is how often each kind of double callback is sent.
const callbackHits = 8

// sharesDances: WeChat sends some callbacks twice, with one code or with two,
// and the hits may reach two gateways: one exchange, and both answers sign in.
func (f *fleet) sharesDances() {
	f.t.Helper()
	for _, kind := range []struct {
		name  string
		codes int
	}{{"one code", 1}, {"two codes", 2}} {
		worked := 0
		before := f.wechat.CountCalls("token")
		for range callbackHits {
			if f.doubleCallback(kind.codes) {
				worked++
			}
		}
		exchanges := f.wechat.CountCalls("token") - before
		f.t.Logf("%s, to A and B at once: %d dances, %d exchanges, %d signed in by both answers", kind.name, callbackHits, exchanges, worked)
		if exchanges != callbackHits || worked != callbackHits {
			f.t.Errorf("%s: %d dances, %d exchanges, %d signed in by both answers", kind.name, callbackHits, exchanges, worked)
		}
	}
}

// doubleCallback begins one dance and sends its two hits at the same moment.
func (f *fleet) doubleCallback(codes int) bool {
	f.t.Helper()
	v := f.visitor("ming", f.a)
	page := shopSite + "/base/twice"
	location, err := v.get(page).Location()
	if err != nil {
		f.t.Fatalf("no dance was begun: %v", err)
	}
	hits := []string{f.callbackFrom(v, location.String()), ""}
	if hits[1] = hits[0]; codes == 2 {
		hits[1] = f.callbackFrom(v, location.String())
	}
	answers := [2]answer{}
	var work sync.WaitGroup
	for i, g := range f.gateways() {
		browser := v.on(g)
		// The jar would mix the answers up; each keeps what it was given.
		browser.header = v.header.Clone()
		browser.header.Set("Cookie", cookieLine(v, hits[i]))
		browser.client.Jar = nil
		work.Go(func() { answers[i] = browser.get(hits[i]) })
	}
	work.Wait()
	for i, a := range answers {
		value, set := cookieOf(a.Response, "wechat")
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != page || !set {
			f.t.Errorf("hit %d: %s to %q, cookie %v: %.200s", i, a.Status, a.Header.Get("Location"), set, a.body)
			return false
		}
		for _, g := range f.gateways() {
			check := f.visitor("hong", g)
			check.header.Set("Cookie", "wechat="+value)
			if told := check.script(page).told(); told["X-Wechat-Openid"] != f.wechat.OpenID("ming", appID) {
				f.t.Errorf("hit %d: its session on %s: %v", i, g.name, told)
				return false
			}
		}
	}
	return true
}

// callbackFrom goes through WeChat and returns the address it calls back,
// without going there.
func (f *fleet) callbackFrom(v *visitor, address string) string {
	f.t.Helper()
	for range 10 {
		next, err := v.get(address).Location()
		if err != nil {
			f.t.Fatalf("WeChat does not call back: %v", err)
		}
		if address = next.String(); strings.HasPrefix(address, shopSite+"/_wechat/callback/") {
			return address
		}
	}
	f.t.Fatal("WeChat redirects for ever")
	return ""
}

// cookieLine is what the browser would send to an address.
func cookieLine(v *visitor, address string) string {
	v.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		v.t.Fatal(err)
	}
	var pairs []string
	for _, cookie := range v.client.Jar.Cookies(u) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}
