package wechat

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestOfficialPageSignature(t *testing.T) {
	t.Parallel()
	var v struct {
		Nonce     string `json:"noncestr"`
		Ticket    string `json:"jsapi_ticket"`
		Timestamp int64  `json:"timestamp"`
		URL       string `json:"url"`
		Signature string `json:"signature"`
	}
	readJSON(t, "jssdk_signature.json", &v)
	for _, fragment := range []string{"", "#", "#/route?x=1#y"} {
		got, err := signJSSDK(testAppID, NewSecret(v.Ticket), v.URL+fragment, time.Unix(v.Timestamp, 999), v.Nonce)
		if want := (JSSDK{testAppID, v.Timestamp, v.Nonce, v.Signature}); err != nil || got != want || v.Signature == "" {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

func TestSignJSSDK(t *testing.T) {
	t.Parallel()
	now := time.Now()
	seen := map[string]bool{}
	for _, page := range []string{
		"https://shop.example.com/", "https://shop.example.com/?a=1&from=singlemessage&isappinstalled=0", "https://shop.example.com/?a=1", "http://shop.example.com:8080/a%20b",
		"https://shop.example.com/" + strings.Repeat("x", 2048-len("https://shop.example.com/")),
	} {
		one, err := SignJSSDK(testAppID, NewSecret("t1cket"), page, now)
		two, err2 := SignJSSDK(testAppID, NewSecret("t1cket"), page, now)
		if err != nil || err2 != nil || one.NonceStr == two.NonceStr || one.Signature == two.Signature || seen[one.Signature] ||
			!regexp.MustCompile(`^[0-9A-Za-z]{16,32}$`).MatchString(one.NonceStr) || len(one.Signature) != 40 || one.Timestamp != now.Unix() {
			t.Errorf("%s: %+v, %+v, %v, %v", page, one, two, err, err2)
		}
		seen[one.Signature] = true
	}
	for _, page := range []string{
		"", "#x", "/relative", "//shop.example.com/", "javascript:alert(1)", "file:///x", "https://", "https://:443/", "https://shop.example.com/a b", "https://shop.example.com/\r\n",
		"https://shop.example.com/\x00", "https://shop.example.com/店", "https://shop.example.com/%zz", "https://shop.example.com/" + strings.Repeat("x", 2048),
	} {
		if got, err := SignJSSDK(testAppID, NewSecret("t1cket"), page, now); !errors.Is(err, ErrPage) || got != (JSSDK{}) {
			t.Errorf("%q: %+v, %v", page, got, err)
		}
	}
}

func TestQRConnectURL(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/qrconnect\?appid=wx[0-9a-f]{16}&redirect_uri=https%3A%2F%2F[A-Za-z0-9%._~-]+` +
		`&response_type=code&scope=snsapi_login&state=[a-zA-Z0-9]{1,128}#wechat_redirect$`)
	const redirect = "https://shop.example.com/a b+c?x=1&y=%2F&state=other&名=值"
	got := new(Client).QRConnectURL(QRConnect{AppID: testAppID, RedirectURI: redirect, State: "Ab09"})
	if !pattern.MatchString(got) {
		t.Errorf("WeChat would refuse %s", got)
	}
	if u, err := url.Parse(got); err != nil || u.Query().Get("redirect_uri") != redirect {
		t.Errorf("got %s, %v, want the redirect_uri %q in it", got, err, redirect)
	}
	c := &Client{OpenURL: "http://127.0.0.1:9801/sim/"}
	if got := c.QRConnectURL(QRConnect{AppID: testAppID}); !strings.HasPrefix(got, "http://127.0.0.1:9801/sim/connect/qrconnect?appid=") {
		t.Error(got)
	}
}

func FuzzSignJSSDK(f *testing.F) {
	f.Add("https://shop.example.com/?a=1#b")
	f.Add("http://[::1%25x]:80\r\n")
	f.Fuzz(func(t *testing.T, page string) {
		got, err := SignJSSDK(testAppID, NewSecret("t1cket"), page, sampleTime)
		if err != nil {
			return
		}
		bare, _, _ := strings.Cut(page, "#")
		if u, err := url.Parse(bare); err != nil || u.Hostname() == "" || strings.ContainsAny(bare, " \r\n") ||
			got.Signature != rawSignature("jsapi_ticket=t1cket&noncestr="+got.NonceStr+"&timestamp=1477314187&url="+bare, "") {
			t.Errorf("%q was signed", page)
		}
	})
}
