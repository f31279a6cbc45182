package test

import (
	"net/http"
	"strings"
	"testing"
)

// Two sites on one host name, on different ports: browsers keep one cookie of a
// name for both. Their visitors stay signed in at both, and neither app sees a
// cookie of ours.
func TestTwoSitesOnPortsOfOneHost(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	other := "http://127.0.0.1:" + port
	w.load(w.caddyfile(options{}) + other + " {\n\twechat_auth {\n\t\tscope snsapi_base\n\t}\n\treverse_proxy " + w.app.address() + "\n}\n")
	v := w.visitor("ming")
	v.signIn(w.site + "/page")
	v.signIn(other + "/page")
	w.app.take()
	for range 3 {
		for _, site := range []string{w.site, other} {
			a := v.send(http.MethodGet, site+"/page", "", nil)
			if a.StatusCode != http.StatusOK {
				t.Fatalf("%s: signed out: %s", site, a.Status)
			}
			r := w.app.one(t)
			if identity(t, r)["x-wechat-openid"] != w.wechat.OpenID("ming", appID) || strings.Contains(strings.Join(r.header["Cookie"], ";"), "wechat") {
				t.Errorf("%s: the app received %v", site, r.header)
			}
		}
	}
	// What the first site named without its port before goes on, there alone.
	former := http.Header{"Cookie": {"wechat=" + v.cookie(w.site, "wechat")}, "Accept": {"application/json"}}
	stranger := w.visitor("hong")
	for site, want := range map[string]int{w.site: http.StatusOK, other: http.StatusUnauthorized} {
		if a := stranger.send(http.MethodGet, site+"/page", "", former); a.StatusCode != want {
			t.Errorf("%s, with the cookie without the port: %s, want %d", site, a.Status, want)
		}
	}
}
