package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/caddymodule/command/console"
)

// tokenOf returns the path and query of an address.
func tokenOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Host != at || u.Scheme != "http" {
		t.Fatalf("%q (%v)", address, err)
	}
	return u.RequestURI()
}

// The cookie of a session is for this host and the console's path alone, out of
// reach of scripts and other sites.
func TestEnter(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	cookie := d.cookies["wechat_console"]
	if cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Domain != "" || cookie.Path != d.base || len(cookie.Value) < 43 || len(d.base) < 40 {
		t.Errorf("%+v", cookie)
	}
	other := openDesk(t)
	if other.base == d.base || other.cookies["wechat_console"].Value == cookie.Value || other.csrf == d.csrf {
		t.Error("two consoles have the same secrets")
	}
}

// Attack: an address that was used is used again, by a reader of the
// browser's history.
func TestAttackUsedToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	address := d.console.Address()
	d.enter(address)
	thief := *d
	thief.cookies = map[string]*http.Cookie{}
	answer := thief.send(thief.request("GET", tokenOf(t, address), nil))
	if answer.Code != http.StatusForbidden || len(thief.cookies) > 0 || !strings.Contains(answer.Body.String(), "An address works once") || !strings.Contains(answer.Body.String(), "Press Enter in the terminal") {
		t.Errorf("%d %v %s", answer.Code, thief.cookies, answer.Body)
	}
}

// Attack: an address that was never used is found hours later.
func TestAttackOldToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		address := d.console.Address()
		time.Sleep(5 * time.Minute)
		if answer := d.send(d.request("GET", tokenOf(t, address), nil)); answer.Code != http.StatusForbidden || len(d.cookies) > 0 {
			t.Errorf("after five minutes: %d", answer.Code)
		}
		address = d.console.Address()
		time.Sleep(5*time.Minute - time.Second)
		d.enter(address)
	})
}

// Attack: addresses that were guessed, replaced, or cut.
func TestAttackWrongToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	replaced := tokenOf(t, d.console.Address())
	address := d.console.Address()
	good := tokenOf(t, address)
	for name, target := range map[string]string{
		"replaced": replaced, "none": "/enter", "empty": "/enter?token=", "cut": good[:len(good)-1], "longer": good + "A", "twice": good + "&" + strings.TrimPrefix(good, "/enter?"),
		"another name": strings.Replace(good, "token", "Token", 1), "below": strings.Replace(good, "?", "/?", 1), "guessed": "/enter?token=" + strings.Repeat("A", 43),
	} {
		if answer := d.send(d.request("GET", target, nil)); answer.Code != http.StatusForbidden || len(d.cookies) > 0 {
			t.Errorf("%s: %d %v", name, answer.Code, d.cookies)
		}
	}
	d.enter(address) // no wrong one has used it up
}

// A console that has printed no address lets nobody in.
func TestAttackEmptyToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, target := range []string{"/enter?token=", "/enter"} {
		if answer := d.send(d.request("GET", target, nil)); answer.Code != http.StatusForbidden || len(d.cookies) > 0 {
			t.Errorf("%s: %d", target, answer.Code)
		}
	}
}

// What only looks at an address, or prepares it, does not use it up.
func TestEnterIsNotUsedUpByPreparations(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	address := d.console.Address()
	for _, r := range []*http.Request{
		d.request("HEAD", tokenOf(t, address), nil),
		d.request("GET", tokenOf(t, address), nil, "Sec-Purpose", "prefetch;prerender"),
		d.request("GET", tokenOf(t, address), nil, "Purpose", "prefetch"),
	} {
		if answer := d.send(r); answer.Code != http.StatusNoContent || len(d.cookies) > 0 {
			t.Errorf("%s: %d", r.Method, answer.Code)
		}
	}
	d.enter(address)
}

// A session ends after an hour without a request, after eight hours in any
// case, and when the operator leaves.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t)
		time.Sleep(59 * time.Minute)
		if page := d.get("/"); page.Code != http.StatusOK {
			t.Fatalf("after 59 minutes: %d", page.Code)
		}
		time.Sleep(time.Hour)
		if page := d.get("/"); page.Code != http.StatusForbidden || strings.Contains(page.Body.String(), "v1.0.0") {
			t.Errorf("after an hour without a request: %d", page.Code)
		}
		d.enter(d.console.Address())
		for range 16 {
			time.Sleep(30 * time.Minute)
			d.get("/")
		}
		if page := d.get("/"); page.Code != http.StatusForbidden {
			t.Errorf("after eight hours: %d", page.Code)
		}
	})
	d := openDesk(t)
	kept := d.cookies["wechat_console"]
	answer := d.post("/leave")
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "You have left") || d.cookies["wechat_console"] != nil {
		t.Errorf("leaving: %d %v", answer.Code, d.cookies)
	}
	d.cookies["wechat_console"] = kept
	if page := d.get("/"); page.Code != http.StatusForbidden {
		t.Errorf("a copy of the cookie works after leaving: %d", page.Code)
	}
}

// Sessions are few: the oldest gives way.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := openDesk(t)
		for i := range 8 {
			time.Sleep(time.Second)
			if page := first.get("/"); page.Code != http.StatusOK {
				t.Fatalf("with %d more sessions: %d", i, page.Code)
			}
			next := &desk{t: t, gateway: first.gateway, console: first.console, cookies: map[string]*http.Cookie{}}
			next.enter(first.console.Address())
		}
		if page := first.get("/"); page.Code != http.StatusForbidden {
			t.Errorf("the ninth session leaves the first: %d", page.Code)
		}
	})
}

// A console without a part, or without an address, is refused at its start.
func TestNewChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	good := console.Config{Listen: at, Gateway: "localhost:2019", Admin: newFakeGateway(), Examine: examined}
	if _, err := console.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*console.Config){
		"no admin": func(c *console.Config) { c.Admin = nil }, "no doctor": func(c *console.Config) { c.Examine = nil },
		"no gateway": func(c *console.Config) { c.Gateway = "" }, "no port": func(c *console.Config) { c.Listen = "127.0.0.1" },
		"port 0": func(c *console.Config) { c.Listen = "127.0.0.1:0" }, "no host": func(c *console.Config) { c.Listen = ":2020" },
	} {
		bad := good
		change(&bad)
		if _, err := console.New(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
