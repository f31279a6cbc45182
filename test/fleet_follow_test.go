//go:build fleet

package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// WeChat tells one of two gateways that a person unfollowed. On both of them the
// door is closed within a second, and everything open has ended; a follow opens
// it again. Another follower notices nothing, and WeChat is asked once about
// each.
func TestFleetUnfollowedIsOutEverywhere(t *testing.T) {
	f := newFleet(t)
	for _, person := range []string{"ming", "hong"} {
		if err := f.wechat.SetFollow(person, appID, true); err != nil {
			t.Fatal(err)
		}
	}
	f.both(fleetConfig{
		store: f.redisStore(redistest.Standalone(t, redistest.Options{}), redistest.Options{}), account: pushAccount,
		auth: "allow followers\n\t\tscope snsapi_base",
	})
	f.hear()
	if err := f.wechat.SetPush(appID, wechattest.PushSettings{
		URL: "http://" + f.a.shop + "/_wechat/push/shop", Token: pushToken, AESKey: pushAESKey, Mode: wechattest.PushSafe, Format: wechattest.PushXML,
	}); err != nil {
		t.Fatal(err)
	}
	phone, other := f.visitor("ming", f.a), f.visitor("hong", f.b)
	if phone.signIn(shopSite+"/").told() == nil || other.signIn(shopSite+"/").told() == nil {
		t.Fatal("not signed in")
	}
	for range 2 {
		var open []*openAnswer
		for _, g := range f.gateways() {
			open = append(open, phone.holdOpen(t, "shop.test", g.transport.DialContext)...)
		}
		time.Sleep(openForAWhile)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // of two pushes within a second, an unfollow wins
		if p, err := f.wechat.PushUnsubscribe("ming", appID); err != nil || !p.Accepted {
			t.Fatalf("%+v, %v", p, err)
		}
		since := time.Now()
		for _, g := range f.gateways() {
			soon(t, g.name+" closes the door", goneWithin-time.Since(since), func() bool {
				return phone.on(g).script(shopSite+"/page").StatusCode == http.StatusForbidden
			})
			t.Logf("%s refuses after %v", g.name, time.Since(since).Round(time.Millisecond))
			if a := phone.on(g).open(shopSite + "/page"); !strings.Contains(a.body, `<main class="follow">`) || a.told() != nil {
				t.Errorf("%s shows %s %.300s", g.name, a.Status, a.body)
			}
			if a := other.on(g).script(shopSite + "/page"); a.told() == nil {
				t.Errorf("another follower on %s: %s", g.name, a.Status)
			}
		}
		allClosed(t, open, since, goneWithin)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		if p, err := f.wechat.PushSubscribe("ming", appID); err != nil || !p.Accepted {
			t.Fatalf("%+v, %v", p, err)
		}
		since = time.Now()
		for _, g := range f.gateways() {
			soon(t, g.name+" opens the door", goneWithin-time.Since(since), func() bool {
				return phone.on(g).script(shopSite+"/page").told() != nil
			})
		}
	}
	if n := f.wechat.CountCalls(wechattest.AtFollower); n > 4 {
		t.Errorf("WeChat was asked %d times by two gateways about two persons", n)
	}
}
