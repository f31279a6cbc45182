//go:build fleet

package test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Who signs in while Redis is out is told so before WeChat's code is spent, and
// the page that says it leads on by itself when Redis is back.
func TestFleetSignInDuringAnOutage(t *testing.T) {
	f := newFleet(t)
	options := redistest.Options{AppendOnly: true}
	server := redistest.Standalone(t, options)
	f.both(fleetConfig{store: f.redisStore(server, options), auth: silentBase})
	for _, outage := range []struct {
		name       string
		begin, end func()
	}{
		{"dead", server.Kill, server.Restart},
		{"hanging", func() { server.Pause(0) }, server.Resume},
		{"read-only", func() { server.Do("replicaof", "127.0.0.1", "1") }, func() { server.Do("replicaof", "no", "one") }},
	} {
		t.Run(outage.name, func(t *testing.T) {
			f.t = t
			f.signInDuring(outage.begin, outage.end)
		})
	}
	f.t = t
}

const (
	silentPage = shopSite + "/base/orders?id=7&b=%2F"
	askingPage = shopSite + "/orders?id=8&b=%2F"
)

func (f *fleet) signInDuring(begin, end func()) {
	t := f.t
	// One has come back to the gateway with a code from before the outage, one
	// with a code of the second step, and one comes during it.
	early, second, late := f.newcomer(f.a), f.newcomer(f.b), f.newcomer(f.b)
	callback := f.beginDance(early, silentPage)
	if a := second.open(silentPage); a.told() == nil {
		t.Fatalf("no silent sign-in: %s", a.Status)
	}
	query := url.Values{"return_to": {strings.TrimPrefix(askingPage, shopSite)}, "scope": {"snsapi_userinfo"}}
	consent := f.callbackFrom(second, shopSite+"/_wechat/login?"+query.Encode())
	before := f.wechat.CountCalls("token")
	begin()
	begun := time.Now()
	held := map[string]struct {
		v    *visitor
		a    answer
		page string
	}{
		"with a code from before":     {early, early.get(callback), silentPage},
		"with a code of consent":      {second, second.get(consent), askingPage},
		"who comes during the outage": {late, late.open(silentPage), silentPage},
	}
	took := time.Since(begun)
	for who, h := range held {
		_, set := cookieOf(h.a.Response, "wechat")
		if h.a.StatusCode != http.StatusServiceUnavailable || h.a.Header.Get("Retry-After") == "" || set || !strings.Contains(h.a.body, "<html") {
			t.Errorf("a visitor %s: %s, Retry-After %q, cookie %v: %.200s", who, h.a.Status, h.a.Header.Get("Retry-After"), set, h.a.body)
		}
	}
	spent := f.wechat.CountCalls("token") - before
	end()
	arrived := 0
	for who, h := range held {
		_, next, _ := strings.Cut(h.a.Header.Get("Refresh"), "url=")
		f.await("Redis", func() bool {
			return h.v.script(shopSite+"/_wechat/session").StatusCode != http.StatusServiceUnavailable
		})
		if a := h.v.open(resolve(t, h.a.url, next)); a.url != h.page || a.told() == nil {
			t.Errorf("a visitor %s, afterwards, from %q: at %s with %s", who, next, a.url, a.Status)
			continue
		}
		arrived++
	}
	t.Logf("%d visitors came to sign in, told to come again within %v: %d codes spent during the outage, %d arrived after it", len(held), took.Round(time.Millisecond), spent, arrived)
	if took > 10*time.Second {
		t.Errorf("they waited for %v", took)
	}
	if spent != 0 {
		t.Errorf("%d codes were spent during the outage", spent)
	}
}

// newcomer is a browser of somebody who has never been here, and whom WeChat
// asks for consent no more.
func (f *fleet) newcomer(g *gatewayProcess) *visitor {
	f.t.Helper()
	id := rand.Text()
	if err := f.wechat.AddPerson(wechattest.Person{ID: id, Nickname: "新来的"}); err != nil {
		f.t.Fatal(err)
	}
	f.wechat.SetConsent(id, appID, true)
	return f.visitor(id, g)
}
