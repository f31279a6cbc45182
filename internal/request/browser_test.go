package request

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestDetectBrowserSamples(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/user_agents.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Samples []struct{ Family, Platform, Context, UA string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Samples) < 10 {
		t.Fatalf("%d samples", len(file.Samples))
	}
	for _, s := range file.Samples {
		got := DetectBrowser(s.UA)
		if string(got.Family) != s.Family {
			t.Errorf("%s %s: family %s: %s", s.Family, s.Platform, got.Family, s.UA)
		}
		if want := s.Family == "wechat" || s.Family == "devtools"; got.InWeChat() != want {
			t.Errorf("%s %s: InWeChat %t", s.Family, s.Platform, got.InWeChat())
		}
		if want := strings.HasPrefix(s.Context, "miniprogram-webview"); want && !got.MiniProgram {
			t.Errorf("%s %s: a web-view of a mini program was not seen: %s", s.Family, s.Platform, s.UA)
		}
	}
}

func TestDetectBrowserEdges(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string]Browser{
		"":                                    {Family: FamilyNone},
		"MicroMessenger":                      {Family: FamilyNone},
		"MicroMessenger/":                     {Family: FamilyNone},
		"micromessenger/8":                    {Family: FamilyWeChat},
		"MicroMessenger/8 wxwork/4":           {Family: FamilyWeCom},
		"WXWORK/4.1 micromessenger/7":         {Family: FamilyWeCom},
		"MicroMessenger/8 wechatdevtools/1":   {Family: FamilyDevtools},
		"wxwork MicroMessenger/8":             {Family: FamilyWeChat},
		"MQQBrowser/6.2 Mobile":               {Family: FamilyNone},
		"miniProgram/wx0123456789abcdef":      {Family: FamilyNone},
		"MicroMessenger/8 MINIPROGRAM/wx0123": {Family: FamilyWeChat, MiniProgram: true},
		strings.Repeat("x", MaxUserAgent) + "MicroMessenger/8": {Family: FamilyNone},
	} {
		if got := DetectBrowser(ua); got != want {
			t.Errorf("%.60q: %+v, want %+v", ua, got, want)
		}
	}
}

func TestWantsPage(t *testing.T) {
	t.Parallel()
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		Name    string
		headers []string
		want    bool
	}{
		{"old browser", []string{"Accept", html}, true},
		{"upper case", []string{"Accept", "TEXT/HTML"}, true},
		{"navigation", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"navigation without a word on HTML", []string{"Sec-Fetch-Mode", "navigate", "Accept", "*/*"}, true},
		{"Android WebView", []string{"X-Requested-With", "com.tencent.mm", "Accept", html}, true},
		{"destination only", []string{"Sec-Fetch-Dest", "document"}, true},
		{"nothing said", nil, false},
		{"anything", []string{"Accept", "*/*"}, false},
		{"XHR", []string{"X-Requested-With", "XMLHttpRequest", "Accept", html}, false},
		{"XHR, lower case", []string{"X-Requested-With", "xmlhttprequest", "Accept", html}, false},
		{"fetch that accepts HTML", []string{"Sec-Fetch-Mode", "cors", "Accept", html}, false},
		{"fetch of the same origin", []string{"Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Dest", "empty", "Accept", html}, false},
		{"image", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image", "Accept", "image/webp"}, false},
		{"image, old browser", []string{"Accept", "image/webp,*/*"}, false},
		{"destination image only", []string{"Sec-Fetch-Dest", "image", "Accept", html}, false},
		{"WebSocket", []string{"Upgrade", "websocket", "Connection", "Upgrade", "Accept", html}, false},
		{"WebSocket that claims to navigate", []string{"Upgrade", "websocket", "Sec-Fetch-Mode", "navigate"}, false},
		{"WebSocket mode", []string{"Sec-Fetch-Mode", "websocket"}, false},
		{"upgrade of insecure requests", []string{"Upgrade-Insecure-Requests", "1", "Accept", html}, true},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"} {
			r := request(t, method, "/", c.headers...)
			if got := WantsPage(r); got != c.want {
				t.Errorf("%s %s: WantsPage %t", method, c.Name, got)
			}
			if want := c.want && (method == "GET" || method == "HEAD"); IsNavigation(r) != want {
				t.Errorf("%s %s: IsNavigation %t", method, c.Name, !want)
			}
		}
	}
}
