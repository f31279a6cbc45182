package test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Another proxy in front of the app asks us who the visitor is: here Caddy's own
// forward_auth. Strangers are sent to sign in and come back to the page.
func TestForwardAuthOfAnotherProxy(t *testing.T) {
	w := newWorld(t)
	front := freePort(t)
	site := "http://127.0.0.1:" + front
	w.load(w.caddyfile(options{auth: "scope snsapi_base\n\t\torigin " + site}) + `
http://127.0.0.1:` + front + ` {
	handle /_wechat/* {
		reverse_proxy 127.0.0.1:` + w.port + `
	}
	handle {
		forward_auth 127.0.0.1:` + w.port + ` {
			uri /_wechat/check
			copy_headers X-Wechat-User X-Wechat-Openid X-Wechat-Unionid X-Wechat-Scope
			@stranger status 401
			handle_response @stranger {
				redir {rp.header.Location} 302
			}
		}
		reverse_proxy ` + w.app.address() + `
	}
}
`)
	v := w.visitor("ming")
	v.signIn(site + "/orders?id=7&b=%2F")
	all := w.app.take()
	got := all[len(all)-1]
	if got.header.Get("X-Wechat-Openid") != w.wechat.OpenID("ming", appID) || got.header.Get("X-Wechat-User") == "" || got.uri != "/orders?id=7&b=%2F" {
		t.Errorf("the app sees %s %v", got.uri, got.header)
	}
	v.send(http.MethodGet, site+"/page", "", http.Header{"X-Wechat-Unionid": {"evil"}, "X-Wechat-Openid": {"evil"}})
	all = w.app.take()
	if forged := all[len(all)-1].header; strings.Contains(forged.Get("X-Wechat-Openid")+forged.Get("X-Wechat-Unionid"), "evil") {
		t.Errorf("forged: %v", forged)
	}
	response, err := http.Get(w.site + "/_wechat/check")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Code        int
		RedirectURL string `json:"redirect_url"`
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.Code != 401 || answer.RedirectURL != site+"/_wechat/login" {
		t.Errorf("%s %s %v", response.Status, body, err)
	}
}
