package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The shop speaks the visitor's language, and says who the visitor is or how to
// sign in.
func TestShop(t *testing.T) {
	t.Parallel()
	identity := http.Header{
		"X-Wechat-Openid": {"oAbc"}, "X-Wechat-Nickname": {"%E5%B0%8F%E6%98%8E"}, "X-Wechat-Avatar": {"http%3A%2F%2F127.0.0.1%3A9801%2Fxiaoming"},
	}
	for _, c := range []struct {
		name, accept string
		identity     http.Header
		lang         string
		want, not    []string
	}{
		{"nothing said, signed in", "", identity, "zh-CN", []string{"小明，你好！", "oAbc", "退出登录", `src="http://127.0.0.1:9801/xiaoming"`, "打开微信模拟器"}, []string{"Hello", "使用微信登录"}},
		{"Chinese, signed in", "zh-CN,zh;q=0.9,en;q=0.8", identity, "zh-CN", []string{"小明，你好！"}, []string{"Hello"}},
		{"English, signed in", "en-US,en;q=0.9", identity, "en", []string{"Hello, 小明!", "Sign out", "oAbc", "Sign out, then open the WeChat simulator"}, []string{"你好", "退出", "Sign in with"}},
		{"Chinese, signed out", "zh", nil, "zh-CN", []string{"你好！", "使用微信登录", `href="/_wechat/login?return_to=%2forders%3fid%3d7"`}, []string{"退出登录", "<img"}},
		{"English, signed out", "en", nil, "en", []string{"Hello!", "Sign in with WeChat", "Open the WeChat simulator"}, []string{"你好", "Sign out"}},
		{"a forged nickname", "en", http.Header{"X-Wechat-Nickname": {"%3Cscript%3E"}}, "en", []string{"Hello, &lt;script&gt;!"}, []string{"<script"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders?id=7", nil)
			for name, values := range c.identity {
				r.Header[name] = values
			}
			if c.accept != "" {
				r.Header.Set("Accept-Language", c.accept)
			}
			w := httptest.NewRecorder()
			newShop("http://127.0.0.1:9801").ServeHTTP(w, r)
			body := w.Body.String()
			if got := w.Header().Get("Content-Language"); got != c.lang || !strings.Contains(body, `<html lang="`+c.lang+`">`) || w.Header().Get("Vary") != "Accept-Language" {
				t.Errorf("language %q, Vary %q, want %q:\n%s", got, w.Header().Get("Vary"), c.lang, body)
			}
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
			for _, not := range c.not {
				if strings.Contains(body, not) {
					t.Errorf("%q stands in\n%s", not, body)
				}
			}
		})
	}
}
