package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/clients"
	"github.com/caddy-wechat/gateway/internal/site"
)

const ticketPath = "/_wechat/mini-program/mini/ticket"

// ticket asks for one.
func (c *client) ticket() string {
	c.town.t.Helper()
	got := c.ask(http.MethodPost, ticketPath, nil)
	if got.status != http.StatusOK || got.ExpiresIn != 60 || got.Parameter != clients.TicketParameter || got.Ticket == "" {
		c.town.t.Fatalf("ticket: %d %s", got.status, got.body)
	}
	return got.Ticket
}

// webView is what the mini program opens pages in: it has cookies of its own.
func (w *town) webView(person string) *browser {
	b := w.browser(person)
	b.ua = miniUA
	return b
}

// The page in the web-view is signed in as who holds the mini program, under
// its own address, whatever that is.
func TestHandOver(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	want := c.page("/").Header
	for address, clean := range map[string]string{
		"/any/page?x=1&wechat_ticket=T":                            "/any/page?x=1",
		"/any/page?wechat_ticket=T":                                "/any/page",
		"/any/page?wechat_ticket=T&x=%2F+y&&z":                     "/any/page?x=%2F+y&&z",
		"/p%2fq/%E4%BD%A0?a=b;c&wechat%5Fticket=T&d=wechat_ticket": "/p%2fq/%E4%BD%A0?a=b;c&d=wechat_ticket",
	} {
		b := w.webView("alice")
		ticket := c.ticket()
		v := b.open(strings.Replace(address, "=T", "="+ticket, 1), "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none")
		got := v.last().upstream()
		if got.URI != clean || v.last().url != shop+clean || len(v) != 3 {
			t.Errorf("%s: the app sees %s%s", address, got.URI, v)
		}
		for _, name := range []string{"X-Wechat-User", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Account", "X-Wechat-Scope"} {
			if got.Header.Get(name) != want.Get(name) {
				t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want.Get(name))
			}
		}
		for _, h := range v[:2] {
			if h.status != http.StatusSeeOther || strings.Contains(h.location(), ticket) || strings.Contains(h.header.Get("Location"), "#") {
				t.Errorf("%d to %s", h.status, h.location())
			}
		}
		left := b.cookies("/_wechat/ticket/" + secondHopID(v[0].location()))
		if b.session() == "" || strings.Contains(c.token, b.session()) || len(left) != 2 || left["__Secure-wechat-ticket"] != "" {
			t.Errorf("cookies %v", left)
		}
	}
	if n := w.weChat.CountCalls(exchangePath); n != 0 {
		t.Errorf("%d dances", n)
	}
}

func secondHopID(address string) string {
	rest := strings.TrimPrefix(address, shop+"/_wechat/ticket/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// WeChat's servers fetch the address again, before or after, without cookies
// (wechat-protocol J2). They burn nothing and are nobody.
func TestRefetchersBurnNoTicket(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	address := "/page?wechat_ticket=" + c.ticket()
	var second string
	fetch := func(address string) {
		fetcher := w.webView("carol")
		fetcher.client.Jar = nil
		v := fetcher.open(address)
		for _, h := range v {
			if h.header.Get("X-Upstream") != "" || strings.Contains(strings.Join(h.header["Set-Cookie"], ""), "__Host-wechat=") {
				t.Errorf("a fetcher is signed in: %d %s", h.status, h.url)
			}
		}
		if strings.Contains(v[0].location(), "/_wechat/ticket/") && v[1].location() != shop+"/page" {
			t.Errorf("a fetcher is led to %s", v[1].location())
		}
	}
	fetch(address)
	b := w.webView("alice")
	second = b.send(http.MethodGet, address, "").location()
	fetch(second)
	if b.open(second).last().upstream(); b.session() == "" {
		t.Error("the fetcher burnt the ticket")
	}
	fetch(address)
	fetch(second)
}

// A ticket is burnt at its first use: whoever reads the address later gets
// nothing. The same browser may come twice, since WeChat does.
func TestTicketIsBurnt(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, func(w *town) { w.gate.Rules.OutsideWeChat = site.OutsideRefuse })
	c := w.mini("alice")
	address := "/page?wechat_ticket=" + c.ticket()
	b, thief := w.webView("alice"), w.webView("carol")
	thief.ua = desktopUA
	ready := thief.send(http.MethodGet, address, "").location() // came first, but did not go on
	second := b.send(http.MethodGet, address, "").location()
	b.open(second).last().upstream()
	session := b.session()
	for _, try := range []string{ready, address} {
		if last := thief.open(try).last(); last.status != http.StatusUnauthorized || thief.session() != "" {
			t.Errorf("burnt, and yet: %d %s", last.status, last.url)
		}
	}
	if h := b.send(http.MethodGet, second, ""); h.location() != shop+"/page" || b.session() != session {
		t.Errorf("again: %d %s", h.status, h.location())
	}
	w.reload() // what was remembered in memory is gone
	for _, try := range []string{ready, address} {
		if last := thief.open(try).last(); last.status != http.StatusUnauthorized || thief.session() != "" {
			t.Errorf("burnt before a restart, and yet: %d %s", last.status, last.url)
		}
	}
}

// Many second hops at once, of two browsers: one of them is signed in.
func TestTicketUnderRace(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	address := "/page?wechat_ticket=" + w.mini("alice").ticket()
	one, two := w.webView("alice"), w.webView("carol")
	hops := map[*browser]string{one: one.send(http.MethodGet, address, "").location(), two: two.send(http.MethodGet, address, "").location()}
	var all sync.WaitGroup
	for b, second := range hops {
		for range 5 {
			all.Go(func() { b.send(http.MethodGet, second, "") })
		}
	}
	all.Wait()
	if (one.session() == "") == (two.session() == "") {
		t.Errorf("signed in: %t and %t", one.session() != "", two.session() != "")
	}
}

// What is no good ticket leads to the page, without it, and burns nothing.
func TestBadTickets(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.access["/page"] = site.Public
	c := w.mini("alice")
	good := c.ticket()
	for name, query := range map[string]string{
		"empty":     "wechat_ticket=",
		"no value":  "wechat_ticket",
		"garbage":   "wechat_ticket=AAAA",
		"cut":       "wechat_ticket=" + good[:len(good)-2],
		"escaped":   "wechat_ticket=%" + good[1:],
		"two":       "wechat_ticket=" + good + "&wechat_ticket=" + good,
		"a token":   "wechat_ticket=" + c.token,
		"a session": "wechat_ticket=" + strings.TrimPrefix(c.token, "wxt_mini."),
		"long":      "wechat_ticket=" + strings.Repeat("A", 5000),
	} {
		b := w.webView("alice")
		v := b.open("/page?a=1&" + query + "&b")
		if got := v.last().upstream(); got.URI != "/page?a=1&b" || len(v) != 2 || b.session() != "" || got.Header.Get("X-Wechat-User") != "" {
			t.Errorf("%s: %s%s", name, got.URI, v)
		}
	}
	b := w.webView("alice")
	for _, path := range []string{"/_wechat/ticket/", "/_wechat/ticket/x", "/_wechat/ticket/" + strings.Repeat("A", 26) + "/" + good, "/_wechat/ticket/%2F/" + good} {
		if h := b.send(http.MethodGet, path, ""); h.status != http.StatusSeeOther || h.location() != shop+"/" {
			t.Errorf("%s: %d %s", path, h.status, h.location())
		}
	}
	second := b.send(http.MethodGet, "/page?wechat_ticket="+good, "").location()
	for method, status := range map[string]int{http.MethodHead: http.StatusMethodNotAllowed, http.MethodPut: http.StatusMethodNotAllowed, http.MethodPost: http.StatusForbidden} {
		if h := b.send(method, second, ""); h.status != status {
			t.Errorf("%s: %d, want %d", method, h.status, status)
		}
	}
	if b.send(http.MethodGet, second, ""); b.session() == "" {
		t.Error("burnt before")
	}
}

// Only a navigation redeems a ticket. A link on another site does not: it may
// have been made to sign its readers in as somebody else (attack: login CSRF).
func TestTicketsAreForNavigations(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.access["/page"] = site.Public
	c := w.mini("alice")
	address := "/page?x&wechat_ticket=" + c.ticket()
	b := w.webView("carol")
	for name, h := range map[string]hop{
		"script": b.script(http.MethodGet, address),
		"form":   b.form(address, url.Values{}),
		"token":  c.ask(http.MethodGet, address, nil, "Accept", acceptAll).hop,
	} {
		if got := h.upstream(); !strings.HasPrefix(got.URI, "/page?x&wechat_ticket=") {
			t.Errorf("%s: %s", name, got.URI)
		}
	}
	for name, h := range map[string]hop{
		"HEAD":                     b.send(http.MethodHead, address, ""),
		"a link of this site":      b.send(http.MethodGet, address, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"),
		"a link of a neighbour":    b.send(http.MethodGet, address, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-site"),
		"a link, in an old kernel": b.send(http.MethodGet, address, "", "Sec-Fetch-Mode", "", "Sec-Fetch-Site", "", "Referer", shop+"/forum"),
		"cross-site":               b.send(http.MethodGet, address, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site"),
	} {
		if h.location() != shop+"/page?x" || len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d %s", name, h.status, h.location())
		}
	}
	if b.open(address).last().upstream(); b.session() == "" {
		t.Error("burnt before")
	}
	w.gate.OtherAccounts = w.gate.OtherAccounts[1:]
	if got := b.open("/page?wechat_ticket=1").last().upstream().URI; got != "/page?wechat_ticket=1" {
		t.Errorf("a site without mini programs: %s", got)
	}
}
