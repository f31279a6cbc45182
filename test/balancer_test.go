package test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Behind the balancers of docs/health.md a visitor signs in, also when one of
// the two addresses has no gateway.
func TestBalancers(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, host, first, second string) balancer{"haproxy": haproxy, "nginx": nginx} {
		t.Run(name, func(t *testing.T) {
			const host = "shop.example.com"
			w := newWorld(t)
			w.load(w.caddyfile(options{
				site:   "http://" + host + ":" + w.port,
				auth:   "origin https://" + host,
				server: "servers {\ntrusted_proxies static 127.0.0.1/32\n}",
			}))
			b := run(t, host, "127.0.0.1:"+freePort(t), "127.0.0.1:"+w.port)
			v := w.visitor("ming")
			v.reaches([]string{host}, b.address)
			for range 5 { // both addresses get their turn
				if a := v.signIn("https://" + host + "/list"); a.StatusCode != http.StatusOK || a.url != "https://"+host+"/list" {
					t.Fatalf("%s at %s: %.300s", a.Status, a.url, a.body)
				}
				if got := w.app.one(t); got.header.Get("X-Wechat-Openid") == "" {
					t.Errorf("the app got %v", got.header)
				}
			}
		})
	}
}

// HAProxy takes out a gateway that is not ready, and serves by those that are
// alive when no other is left.
func TestBalancerKeepsTheLastGateways(t *testing.T) {
	const host = "shop.example.com"
	w := newWorld(t)
	o := options{site: "http://" + host + ":" + w.port, auth: "origin https://" + host}
	// A store that does not answer: nothing listens there.
	broken := strings.Replace(w.caddyfile(o), "store local "+w.folder+"/ledger", "store redis redis://127.0.0.1:"+freePort(t)+"/0", 1)
	w.load(broken)
	b := haproxy(t, host, "127.0.0.1:"+freePort(t), "127.0.0.1:"+w.port)
	if err := b.run.until(20*time.Second, func() bool {
		return strings.Contains(b.run.output.String(), "backend 'gateways' has no server available")
	}); err != nil {
		t.Fatal(err)
	}
	v := w.visitor("ming")
	v.reaches([]string{host}, b.address)
	for range 3 {
		a := v.send(http.MethodGet, "https://"+host+"/_wechat/ready", "", nil)
		if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, `"store":"failed"`) {
			t.Errorf("the gateway that is alive: %s %.300s", a.Status, a.body)
		}
	}
}

// Caddy answers for hosts that it has no site for: docs/health.md says why a
// probe needs the Host.
func TestProbesNeedTheHost(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{site: "http://shop.example.com:" + w.port}))
	v := w.visitor("ming")
	v.reaches([]string{"shop.example.com"}, "127.0.0.1:"+w.port)
	if a := v.send(http.MethodGet, "http://127.0.0.1:"+w.port+"/_wechat/ready", "", nil); a.StatusCode != http.StatusOK || a.body != "" {
		t.Errorf("by IP address: %s %q, want Caddy's empty 200", a.Status, a.body)
	}
	if a := v.send(http.MethodGet, "http://shop.example.com:"+w.port+"/_wechat/ready", "", nil); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"code":200`) {
		t.Errorf("with the Host: %s %q", a.Status, a.body)
	}
}
