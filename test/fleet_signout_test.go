//go:build fleet

package test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Attack: a sign-out in an outage is answered 200, and never happens. A
// visitor's is answered 503 until it is stored, however often it is asked; the
// app's answer with X-Wechat-Logout passes. Both are over at both gateways soon
// after Redis is back, and stay over when the gateways start anew.
func TestFleetSignOutsInAnOutage(t *testing.T) {
	f := newFleet(t)
	options := redistest.Options{AppendOnly: true}
	server := redistest.Standalone(t, options)
	c := fleetConfig{store: f.redisStore(server, options)}
	f.both(c)
	m := newMint(t, server.Client())
	for _, o := range []outage{
		{name: "kill -9", begin: server.Kill, end: server.Restart},
		{name: "SIGSTOP", begin: func() { server.Pause(0) }, end: server.Resume},
	} {
		people := m.members(t, 2)
		signedIn := f.signedIn(people)
		if signedIn != 2*len(people) {
			t.Fatalf("before %s: %d answers of %d", o.name, signedIn, 2*len(people))
		}
		o.begin()
		visitor, guest := f.visitor("ming", f.a), f.visitor("hong", f.a)
		visitor.header.Set("Cookie", "wechat="+people[0].value())
		guest.header.Set("Cookie", "wechat="+people[1].value())
		for range 3 {
			if a := visitor.logOut(shopSite); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: logout: %s %s", o.name, a.Status, a.body)
			}
		}
		bye := guest.get(shopSite + "/bye")
		if left, set := cookieOf(bye.Response, "wechat"); bye.StatusCode != http.StatusOK || !set || left != "" {
			t.Errorf("%s: the app's sign-out: %s, cookie %q", o.name, bye.Status, left)
		}
		o.end()
		back := time.Now()
		f.await("the sign-outs of "+o.name, func() bool { return f.signedIn(people) == 0 })
		t.Logf("%s: both are signed out at both gateways %v after it", o.name, time.Since(back).Round(time.Millisecond))
		if a := visitor.logOut(shopSite); a.StatusCode != http.StatusOK {
			t.Errorf("%s: logout afterwards: %s %s", o.name, a.Status, a.body)
		}
		for _, g := range f.gateways() {
			g.run.stop()
			g.start(c)
		}
		if n := f.signedIn(people); n != 0 {
			t.Errorf("%s: after a restart %d answers are for somebody signed in", o.name, n)
		}
	}
}

// signedIn counts the answers of both gateways that are for somebody signed in.
func (f *fleet) signedIn(people []*member) (n int) {
	for _, one := range people {
		for _, g := range f.gateways() {
			if response, _, err := g.ask(one, false); err == nil && response.StatusCode == http.StatusOK {
				n++
			}
		}
	}
	return n
}
