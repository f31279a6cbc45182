package wechat

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// authorizePattern is as strict as WeChat's own check.
var authorizePattern = regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/oauth2/authorize` +
	`\?appid=wx[0-9a-f]{16}&redirect_uri=https%3A%2F%2F[A-Za-z0-9%._~-]+&response_type=code` +
	`&scope=snsapi_(?:base|userinfo)&state=[a-zA-Z0-9]{1,128}` +
	`&connect_redirect=1#wechat_redirect$`)

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	redirects := []string{
		"https://shop.example.com/_wechat/callback/abc/def",
		"https://shop.example.com:8443/a b+c?x=1&y=%2F&state=other&名=值",
		"https://shop.example.com/a%2520b",
	}
	for _, redirect := range redirects {
		t.Run(redirect, func(t *testing.T) {
			got := new(Client).AuthorizeURL(Authorize{AppID: testAppID, RedirectURI: redirect, Scope: ScopeUserInfo, State: "Ab09"})
			if !authorizePattern.MatchString(got) {
				t.Errorf("WeChat would refuse %s", got)
			}
			u, err := url.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			if back := u.Query()["redirect_uri"]; len(back) != 1 || back[0] != redirect {
				t.Errorf("the redirect_uri is %q, want %q", back, redirect)
			}
		})
	}
}

func TestAuthorizeURLDefaults(t *testing.T) {
	t.Parallel()
	c := &Client{OpenURL: "http://127.0.0.1:9801/sim/"}
	got := c.AuthorizeURL(Authorize{AppID: testAppID, RedirectURI: "http://127.0.0.1/cb", State: "s"})
	want := "http://127.0.0.1:9801/sim/connect/oauth2/authorize?appid=" + testAppID + "&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb" +
		"&response_type=code&scope=snsapi_base&state=s&connect_redirect=1#wechat_redirect"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func ExampleClient_AuthorizeURL() {
	var c Client
	fmt.Println(c.AuthorizeURL(Authorize{
		AppID:       "wx1234567890abcdef",
		RedirectURI: "https://shop.example.com/back",
		Scope:       ScopeBase,
		State:       "S1",
	}))
	// Output: https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1234567890abcdef&redirect_uri=https%3A%2F%2Fshop.example.com%2Fback&response_type=code&scope=snsapi_base&state=S1&connect_redirect=1#wechat_redirect
}

func FuzzEncodeParams(f *testing.F) {
	f.Add("code", "x&appid=other#y")
	f.Add("a b+c", "%2B\r\n")
	f.Fuzz(func(t *testing.T, one, two string) {
		query := encodeParams([]param{{"one", one}, {"two", two}})
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if len(values) != 2 || values.Get("one") != one || values.Get("two") != two || strings.ContainsAny(query, " +#\r\n") {
			t.Errorf("%q and %q became %s", one, two, query)
		}
	})
}
