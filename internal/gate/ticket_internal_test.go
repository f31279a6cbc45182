package gate

import (
	"crypto/rand"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func ticketGate(t testing.TB) (*Gate, *Request) {
	t.Helper()
	hub := &Hub{Keys: testRing(t, "k"), Ended: func([16]byte) bool { return false }}
	mini := wechat.Account{Kind: wechat.MiniProgram, Name: "mini", Credentials: wechat.Credentials{AppID: "wxmini"}}
	return &Gate{Hub: hub, Doors: []wechat.Account{mini}}, &Request{Request: newRequest(t, "GET", "/"), origin: shopOrigin, site: cookies.Site{Secure: true}}
}

func newTicket() ticket {
	id := session.NewID()
	return ticket{
		ID: rand.Text(), Person: "person", AppID: "wxmini", OpenID: "openid", Session: id[:],
		Created: time.Now().Unix(), Until: time.Now().Add(cookies.TicketLife).UnixMilli(),
	}
}

func TestTicketIsGoodForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, r := ticketGate(t)
		sealed, err := g.sealTicket(r, newTicket())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(cookies.TicketLife - time.Millisecond)
		if _, err := g.openTicket(r, sealed); err != nil {
			t.Errorf("in time: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := g.openTicket(r, sealed); !errors.Is(err, errTicket) {
			t.Errorf("too late: %v", err)
		}
		far := newTicket()
		far.Until = time.Now().Add(time.Hour).UnixMilli() // a clock that is wrong
		if sealed, err = g.sealTicket(r, far); err != nil {
			t.Fatal(err)
		}
		if _, err := g.openTicket(r, sealed); !errors.Is(err, errTicket) {
			t.Errorf("from the future: %v", err)
		}
	})
}

// A ticket of another site, or of an account that the site admits no more, is none.
func TestTicketIsBound(t *testing.T) {
	t.Parallel()
	g, r := ticketGate(t)
	sealed, err := g.sealTicket(r, newTicket())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &Request{Request: r.Request, origin: "https://other.example.com"}
	if _, err := g.openTicket(elsewhere, sealed); !errors.Is(err, errTicket) {
		t.Errorf("another site: %v", err)
	}
	g.Doors = nil
	if _, err := g.openTicket(r, sealed); !errors.Is(err, errTicket) {
		t.Errorf("an account that is gone: %v", err)
	}
}

// Whatever an address holds, it is the same without the ticket, and no ticket stays.
func FuzzCutTicket(f *testing.F) {
	for _, seed := range []string{"", "a=1", "wechat_ticket", "wechat_ticket=x&a=%2F", "a&wechat%5Fticket=x&&b;c", "%zz=1&wechat_ticket=%zz", "&&wechat_ticket=&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		tickets, rest := cutTicket(raw)
		if len(tickets) == 0 && rest != raw {
			t.Fatalf("%q became %q", raw, rest)
		}
		if again, same := cutTicket(rest); len(again) != 0 || same != rest {
			t.Fatalf("%q still holds %q", rest, again)
		}
		q, _ := url.ParseQuery(rest)
		if q.Has(TicketParameter) {
			t.Fatalf("the app reads a ticket in %q", rest)
		}
		before, _ := url.ParseQuery(raw)
		delete(before, TicketParameter)
		if before.Encode() != q.Encode() {
			t.Fatalf("%q lost more than the ticket: %q", raw, rest)
		}
	})
}

// Whatever stands in Authorization: nothing stays beside a token of ours, nothing is
// lost without one, and what is read fits its limits.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "Bearer wxt_mini.abc", "bearer\twxt_mini.abc", "Bearer wxt_.", "Basic YTpi", "Bearer eyJ", " Bearer  wxt_a.b.c ", "Bearer wxt_", "Basic x, Bearer wxt_a.b", "Bearer wxt_a.b,,Bearer wxt_a.b"} {
		f.Add(seed, "Basic YTpi")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		r := newRequest(t, "GET", "/")
		r.Header["Authorization"] = []string{one, two}
		b := takeToken(r)
		for _, line := range r.Header["Authorization"] {
			if line != one && line != two {
				t.Fatalf("%q was made of %q and %q", line, one, two)
			}
		}
		for token := range ourTokens(r) {
			t.Fatalf("%q stays", token)
		}
		if want := map[bool]int{false: 2, true: 0}[b.sent]; len(r.Header["Authorization"]) != want {
			t.Fatalf("%+v, and %q stays", b, r.Header["Authorization"])
		}
		if len(b.value) > session.MaxValue || len(b.account) > maxAccountName || (b.value == "") != (b.account == "") {
			t.Fatalf("%+v", b)
		}
	})
}
