package test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// WeChat may call back one host only, and three sites share it: each visitor
// arrives where the dance began, also by way of the consent page, and is somebody
// on that site alone.
func TestSitesShareOneCallback(t *testing.T) {
	w := newWorld(t)
	strict := wechattest.New(wechattest.Config{
		Accounts: []wechattest.Account{{AppID: appID, Secret: appSecret, Name: "测试商店", CallbackDomains: []string{"auth.test:" + w.port}, Platform: "open"}},
		Persons:  []wechattest.Person{{ID: "ming", Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/ming/132"}},
	})
	sim := httptest.NewServer(strict)
	defer strict.Close()
	defer sim.Close()
	w.wechat, w.sim = strict, sim
	site := func(host string) string { return "http://" + host + ".test:" + w.port }
	config := func(callback string) string {
		return w.caddyfile(options{global: callback, site: site("shop") + ", " + site("www.shop")}) +
			site("news") + " {\n\twechat_auth {\n\t\tscope snsapi_base\n\t}\n\treverse_proxy " + w.app.address() + "\n}\n" +
			site("auth") + " {\n\twechat_auth\n\trespond 404\n}\n"
	}
	w.load(config("callback_origin " + site("auth")))
	v := w.visitor("ming")
	v.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ".test:"+w.port) {
			address = "127.0.0.1:" + w.port
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	openids := map[string]bool{}
	for _, target := range []string{site("news") + "/a?b=1&c=%2F", site("shop") + "/account", site("www.shop") + "/", site("news") + "/again"} {
		a := v.signIn(target)
		if a.StatusCode != http.StatusOK || a.url != target {
			t.Fatalf("%s: ended at %s with %s: %.300s", target, a.url, a.Status, a.body)
		}
		openids[identity(t, w.app.one(t))["x-wechat-openid"]] = true
	}
	if !openids[strict.OpenID("ming", appID)] || len(openids) != 1 {
		t.Errorf("openids %v", openids)
	}
	if a := v.send(http.MethodGet, site("auth")+"/_wechat/callback/at/http/evil.test/ABC/def?code=c&state=s", "", nil); a.StatusCode != http.StatusNotFound {
		t.Errorf("to a foreign host: %s", a.Status)
	}
	// Without the option WeChat refuses the sites.
	w.load(config(""))
	v.client.CloseIdleConnections()
	stranger := w.visitor("ming")
	stranger.client.Transport = v.client.Transport
	if a := stranger.open(site("news") + "/a"); a.StatusCode == http.StatusOK && strings.Contains(a.body, "app") || len(w.app.take()) != 0 {
		t.Errorf("without callback_origin: %s %.300s", a.Status, a.body)
	}
}
