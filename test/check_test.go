package test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Another proxy in front of the app asks us who the visitor is: here Caddy's
// own forward_auth, over loopback and over a Unix socket. Strangers are sent to
// sign in and come back to the page.
func TestForwardAuthOfAnotherProxy(t *testing.T) {
	for name, socket := range map[string]bool{"loopback": false, "a Unix socket": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			front, gateway, o := freePort(t), "127.0.0.1:"+w.port, options{}
			site := "http://127.0.0.1:" + front
			o.auth = "scope snsapi_base\n\t\tcheck on\n\t\torigin " + site
			if socket {
				gateway = "unix/" + w.folder + "/gateway.sock"
				o.site, o.before = "http://", "bind "+gateway
			}
			o.proxy = "respond 404"
			w.load(w.caddyfile(o) + w.caddySite(front, gateway, w.app.address()))
			v := w.visitor("ming")
			v.signIn(site + "/orders?id=7&b=%2F")
			all := w.app.take()
			if len(all) == 0 {
				t.Fatal("nothing reaches the app")
			}
			got := all[len(all)-1]
			if got.header.Get("X-Wechat-Openid") != w.wechat.OpenID("ming", appID) || got.header.Get("X-Wechat-User") == "" || got.uri != "/orders?id=7&b=%2F" {
				t.Errorf("the app sees %s %v", got.uri, got.header)
			}
			v.send(http.MethodGet, site+"/page", "", http.Header{"X-Wechat-Unionid": {"evil"}, "X-Wechat-Openid": {"evil"}})
			all = w.app.take()
			if forged := all[len(all)-1].header; strings.Contains(forged.Get("X-Wechat-Openid")+forged.Get("X-Wechat-Unionid"), "evil") {
				t.Errorf("forged: %v", forged)
			}
			if a := v.send(http.MethodGet, site+"/_wechat/check", "", nil); a.StatusCode != http.StatusNotFound || a.Header.Get("X-Wechat-Openid") != "" {
				t.Errorf("a page's script: %d %v", a.StatusCode, a.Header)
			}
			if code, _, redirect := w.asks(gateway); code != http.StatusUnauthorized || redirect != site+"/_wechat/login" {
				t.Errorf("a stranger: %d %s", code, redirect)
			}
		})
	}
}

// asks sends a check from this machine, as a proxy would.
func (w *world) asks(gateway string) (status int, kind, redirect string) {
	w.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if path, ok := strings.CutPrefix(gateway, "unix/"); ok {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", gateway)
	}}
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.site+"/_wechat/check", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Code        int
		Error       string
		RedirectURL string `json:"redirect_url"`
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.Code != response.StatusCode {
		w.t.Fatalf("%s %s %v", response.Status, body, err)
	}
	return answer.Code, answer.Error, answer.RedirectURL
}

// Attack: TLS ends on the same machine in front of a gateway that serves no
// other proxy, and a page's script asks for the visitor's unionid.
func TestAttackCheckIsOffByDefault(t *testing.T) {
	w := newWorld(t)
	front := freePort(t)
	site := "http://127.0.0.1:" + front
	w.load(w.caddyfile(options{auth: "scope snsapi_base\n\t\torigin " + site}) + "\n" + site + " {\n\treverse_proxy 127.0.0.1:" + w.port + "\n}\n")
	v := w.visitor("ming")
	v.signIn(site + "/")
	if !v.passes(site) {
		t.Fatal("not signed in")
	}
	got := v.send(http.MethodGet, site+"/_wechat/check", "", nil)
	if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, `"check_off"`) || !strings.Contains(got.body, "`check on`") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	for name := range got.Header {
		if strings.HasPrefix(name, "X-Wechat-") {
			t.Errorf("%s is told", name)
		}
	}
}
