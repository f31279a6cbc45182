package test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// WeChat may call back one host only, and three sites share it: each visitor
// arrives where the dance began, also by way of the consent page, and is
// somebody on that site alone.
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
			site("auth") + " {\n\tlog {\n\t\toutput file " + w.folder + "/auth.log\n" + w.exampleLogFilter() + "\n\t}\n\twechat_auth\n\trespond 404\n}\n"
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
	var handed []string
	for _, target := range []string{site("news") + "/a?b=1&c=%2F", site("shop") + "/account", site("www.shop") + "/", site("news") + "/again"} {
		a := v.signIn(target)
		if a.StatusCode != http.StatusOK || a.url != target {
			t.Fatalf("%s: ended at %s with %s: %.300s", target, a.url, a.Status, a.body)
		}
		hop := slices.IndexFunc(v.hops, func(hop string) bool { return strings.HasPrefix(hop, site("auth")+"/_wechat/callback/at/") })
		if hop >= 0 {
			handed = append(handed, v.hops[hop])
		}
		openids[identity(t, w.app.one(t))["x-wechat-openid"]] = true
	}
	if !openids[strict.OpenID("ming", appID)] || len(openids) != 1 {
		t.Errorf("openids %v", openids)
	}
	if a := v.send(http.MethodGet, site("auth")+"/_wechat/callback/at/http/evil.test/ABC/def?code=c&state=s", "", nil); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
		t.Errorf("to a foreign host: %s", a.Status)
	}
	if len(handed) != 3 { // the fourth was signed in
		t.Errorf("by way of the shared site: %v", handed)
	}
	log, err := os.ReadFile(filepath.Join(w.folder, "auth.log"))
	if err != nil || strings.Count(string(log), "REDACTED") < 2*len(handed) {
		t.Errorf("the log of the shared site: %v\n%s", err, log)
	}
	for _, address := range handed {
		path, query, _ := strings.Cut(address, "?")
		q, _ := url.ParseQuery(query)
		for _, secret := range []string{path[strings.LastIndex(path, "/")+1:], q.Get("code"), q.Get("state")} {
			if secret == "" || strings.Contains(string(log), secret) {
				t.Errorf("the log of the shared site holds %q", secret)
			}
		}
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
