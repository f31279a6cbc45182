package wechattest

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const fullQuery = "appid=wx1&redirect_uri=https%3A%2F%2Fh%2F%3Fa%3D1%26b&response_type=code&scope=snsapi_base&state=S" +
	"&forcePopup=true&forceSnapShot=true&connect_redirect=1"

func TestParseAuthorize(t *testing.T) {
	t.Parallel()
	q, err := parseAuthorize(fullQuery)
	want := authorizeQuery{
		appID: "wx1", redirectURI: "https://h/?a=1&b", responseType: "code", scope: "snsapi_base", state: "S",
		forcePopup: true, forceSnapshot: true, connectRedirect: true,
	}
	if err != nil || q != want {
		t.Fatalf("%+v, %v", q, err)
	}
	for _, c := range []struct {
		raw  string
		want error
	}{
		{"", nil},
		{"appid=wx1", nil},
		{"appid=wx1&state=S", nil},
		{"appid=wx1&redirect_uri=u&response_type=code&scope=s&state=S&uin=1&key=2&version=3&connect_redirect=1", nil},
		{"appid=wx1&redirect_uri=u&response_type=code&scope=s&state=S&connect_redirect=1&uin=1", nil},
		{"redirect_uri=u&appid=wx1&response_type=code&scope=s&state=S", errOrder},
		{"appid=wx1&redirect_uri=u&response_type=code&state=S&scope=s", errOrder},
		{"appid=wx1&redirect_uri=u&scope=s&response_type=code&state=S", errOrder},
		{"appid=wx1&redirect_uri=u&response_type=code&scope=s&connect_redirect=1&state=S", errOrder},
		{"APPID=wx1&redirect_uri=u&response_type=code&scope=s&state=S", errOrder},
		{"appid=wx1&appid=wx1", errOrder},
		{"appid=wx1&connect_redirect=1&connect_redirect=1", errOrder},
		{"appid=wx1&redirect_uri=https://h/?a=1&b=2&response_type=code", errOrder}, // not encoded
		{"appid=wx1&unknown=1", errOrder},
		{"appid=wx1&&state=S", errOrder},
		{"&appid=wx1", errOrder},
		{"appid=wx1&", errOrder},
		{"appid=%", errEncoding},
		{"appid=" + strings.Repeat("a", maxQuery), errTooLong},
	} {
		if _, err := parseAuthorize(c.raw); !errors.Is(err, c.want) {
			t.Errorf("%.80q: %v, want %v", c.raw, err, c.want)
		}
	}
}

// strictly is the rule once more, as one expression.
var strictly = regexp.MustCompile(`^(?:appid=[^&]*)?(?:(?:^|&)redirect_uri=[^&]*)?(?:(?:^|&)response_type=[^&]*)?(?:(?:^|&)scope=[^&]*)?(?:(?:^|&)state=[^&]*)?` +
	`(?:(?:^|&)(?:forcePopup|forceSnapShot|connect_redirect|uin|key|version|component_appid)=[^&]*)*$`)

func FuzzParseAuthorize(f *testing.F) {
	f.Add(fullQuery)
	f.Add("")
	f.Add("appid=%zz&")
	f.Add("state=a&appid=b")
	f.Add("appid&redirect_uri=%00&state=\xff")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseAuthorize(raw)
		if err != nil {
			if q != (authorizeQuery{}) {
				t.Errorf("%q: an error and %+v", raw, q)
			}
			return
		}
		if len(raw) > maxQuery {
			t.Error("too long, and accepted")
		}
		// A name without = is an empty value.
		normal := raw
		for _, name := range append(orderedParams, extraParams...) {
			normal = regexp.MustCompile(`(^|&)`+name+`(&|$)`).ReplaceAllString(normal, "${1}"+name+"=${2}")
		}
		if !strictly.MatchString(normal) {
			t.Errorf("%q was accepted", raw)
		}
		values, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
		if err != nil {
			t.Fatalf("%q: %s", raw, err)
		}
		if q.appID != values.Get("appid") || q.redirectURI != values.Get("redirect_uri") || q.state != values.Get("state") {
			t.Errorf("%q was read as %+v", raw, q)
		}
		a := Account{CallbackDomains: []string{"shop.example.com"}}
		if target := appendQuery(q.redirectURI, "code=C&state=S"); a.covered(q.redirectURI) {
			u, err := url.Parse(target)
			if err != nil || !strings.EqualFold(u.Hostname(), "shop.example.com") || strings.ContainsAny(target, "\r\n\x00 ") {
				t.Errorf("%q leads to %q", q.redirectURI, target)
			}
		}
	})
}
