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
