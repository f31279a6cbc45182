package wechat

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// CheckSecret accepts what WeChat accepts, and returns every refusal.
func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind AccountKind
		says string
		code int // of the error; 0 is accepted
	}{
		"token":            {OfficialAccount, `{"access_token":"t","expires_in":7200}`, 0},
		"mini program":     {MiniProgram, `{"access_token":"t","expires_in":7200}`, 0},
		"wrong secret":     {OfficialAccount, `{"errcode":40125,"errmsg":"invalid appsecret"}`, 40125},
		"app, no code":     {MobileApp, `{"errcode":40029,"errmsg":"invalid code"}`, 0},
		"website, no code": {Website, `{"errcode":40029,"errmsg":"invalid code"}`, 0},
		"app, secret":      {MobileApp, `{"errcode":40125,"errmsg":"invalid appsecret"}`, 40125},
		"website, app id":  {Website, `{"errcode":40013,"errmsg":"invalid appid"}`, 40013},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.says)) }))
			defer server.Close()
			client := &Client{APIURL: server.URL}
			defer client.CloseIdle()
			err := client.CheckSecret(t.Context(), Account{Kind: c.kind, Credentials: Credentials{AppID: "wx1234567890abcdef", Secret: testSecret}})
			got := 0
			if e, ok := err.(*Error); ok {
				got = e.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if got != c.code {
				t.Errorf("error code %s, want %d", strconv.Itoa(got), c.code)
			}
		})
	}
	if got := new(Client).APIAddress(); got != "https://api.weixin.qq.com" {
		t.Errorf("%q", got)
	}
}

// CheckFollowers takes an answer about the openid for a permission, and returns
// every refusal.
func TestCheckFollowers(t *testing.T) {
	t.Parallel()
	const token = `{"access_token":"t","expires_in":7200}`
	for name, c := range map[string]struct {
		token, info string
		code        int // of the error; 0 is accepted
	}{
		"no such openid":  {token, `{"errcode":40003,"errmsg":"invalid openid"}`, 0},
		"no permission":   {token, `{"errcode":48001,"errmsg":"api unauthorized"}`, 48001},
		"address":         {token, `{"errcode":40164,"errmsg":"invalid ip"}`, 40164},
		"address, token":  {`{"errcode":40164,"errmsg":"invalid ip"}`, "", 40164},
		"token not valid": {token, `{"errcode":40001,"errmsg":"invalid credential"}`, 40001},
		"quota":           {token, `{"errcode":45009,"errmsg":"reach max api daily quota limit"}`, 45009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/cgi-bin/stable_token" {
					_, _ = w.Write([]byte(c.token))
				} else {
					_, _ = w.Write([]byte(c.info))
				}
			}))
			defer server.Close()
			client := &Client{APIURL: server.URL}
			defer client.CloseIdle()
			err := client.CheckFollowers(t.Context(), Account{Kind: OfficialAccount, Credentials: Credentials{AppID: "wx1234567890abcdef", Secret: testSecret}})
			got := 0
			if e, ok := err.(*Error); ok {
				got = e.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if got != c.code {
				t.Errorf("error code %d, want %d (%v)", got, c.code, err)
			}
		})
	}
}
