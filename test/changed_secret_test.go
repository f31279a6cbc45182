package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// From the moment in which an AppSecret is reset until the operator has changed
// it: sign-ins fail, and what needs the account's access token goes on with the
// one in memory, if WeChat still takes it. With the new secret everything works
// at once. This is what docs/operations.md says.
func TestChangedSecret(t *testing.T) {
	for name, killed := range map[string]bool{"WeChat goes on taking the token": false, "WeChat refuses the token, too": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			mini := wechattest.Account{AppID: miniAppID, Secret: appSecret, Kind: wechattest.MiniProgram, Platform: "open"}
			if err := w.wechat.AddAccount(mini); err != nil {
				t.Fatal(err)
			}
			config := w.caddyfile(options{
				global: "mini_program mini {\n\t\t\tapp_id " + miniAppID + "\n\t\t\tapp_secret {env.WECHAT_APP_SECRET}\n\t\t}",
				auth:   "account default mini\n\t\theader phone on\n\t\tscope snsapi_base",
			})
			w.load(config)
			ming := w.visitor("ming")
			if a := ming.signIn(w.site + "/"); a.StatusCode != http.StatusOK {
				t.Fatalf("signing in: %s", a.Status)
			}
			token := miniToken(t, w, "ming")
			serves := func(when string, phone int) {
				t.Helper()
				if a := ming.open(w.site + "/"); a.StatusCode != http.StatusOK || len(ming.hops) != 1 {
					t.Errorf("%s: who is signed in gets %s after %d redirects", when, a.Status, len(ming.hops)-1)
				}
				if a := ming.send(http.MethodGet, w.site+"/_wechat/jssdk?url="+url.QueryEscape(w.site+"/"), "", http.Header{"Accept": {"application/json"}}); a.StatusCode != http.StatusOK {
					t.Errorf("%s: a signature for the JS-SDK: %s %s", when, a.Status, a.body)
				}
				code := w.wechat.PhoneCode("ming", miniAppID)
				if a := phoneOf(w, token, code); a.StatusCode != phone {
					t.Errorf("%s: the phone number: %s %s, want %d", when, a.Status, a.body, phone)
				}
			}
			serves("before", http.StatusOK)

			const fresh = "fedcba9876543210fedcba9876543210"
			for _, account := range w.wechat.Accounts() {
				account.Secret = fresh
				if err := w.wechat.AddAccount(account); err != nil {
					t.Fatal(err)
				}
			}
			phone := http.StatusOK
			if killed {
				w.quirks(wechattest.Quirks{GlobalTokenKilled: wechattest.Knob{On: true}})
				phone = http.StatusInternalServerError
			}
			serves("after the reset", phone)
			if a := w.visitor("hong").signIn(w.site + "/"); a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, "微信登录尚未设置好") {
				t.Errorf("a new visitor gets %s", a.Status)
			}
			w.quirks(wechattest.Quirks{})
			if killed {
				serves("when WeChat has told that the secret is another one", phone)
			}

			t.Setenv("WECHAT_APP_SECRET", fresh)
			w.load(config)
			serves("with the new secret", http.StatusOK)
			if a := w.visitor("hong").signIn(w.site + "/"); a.StatusCode != http.StatusOK {
				t.Errorf("a new visitor gets %s", a.Status)
			}
		})
	}
}

// miniToken signs a person in at the mini program, and returns the token.
func miniToken(t *testing.T, w *world, person string) string {
	t.Helper()
	a := w.visitor(person).send(http.MethodPost, w.site+"/_wechat/mini-program/mini/login", fmt.Sprintf(`{"code":%q}`, w.wechat.MiniProgramCode(person, miniAppID)), http.Header{"Content-Type": {"application/json"}})
	var said struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || said.Token == "" {
		t.Fatalf("signing in at the mini program: %s %s", a.Status, a.body)
	}
	return said.Token
}

// phoneOf spends the code of a phone button.
func phoneOf(w *world, token, code string) answer {
	w.t.Helper()
	return w.visitor("ming").send(http.MethodPost, w.site+miniPhonePath, fmt.Sprintf(`{"code":%q}`, code), http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}})
}
