package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	weChatUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50"
	chromeUA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
)

func TestPreferred(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]struct{ browser, weChat language }{
		"":                                    {chinese, chinese},
		"  ":                                  {chinese, chinese},
		"zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7": {chinese, chinese},
		"en-US,en;q=0.9,zh-CN;q=0.8":          {english, english},
		"zh":                                  {chinese, chinese},
		"zh-Hant-HK":                          {chinese, chinese},
		"ZH-tw":                               {chinese, chinese},
		"EN":                                  {english, english},
		"en;q=0.1, zh;q=0.2":                  {chinese, chinese},
		"en;q=0.200, zh;q=0.19":               {english, english},
		"en , zh":                             {english, english},
		"zh , en":                             {chinese, chinese},
		"fr, zh;q=0.001":                      {chinese, chinese},
		"fr":                                  {english, chinese},
		"de-DE,de;q=0.9,en;q=0.5":             {english, english},
		"*":                                   {english, chinese},
		"zh;q=0, fr":                          {english, chinese},
		"zh;q=0.0, en;q=0.000":                {english, chinese},
		"zh;q=0, en;q=0.1":                    {english, english},
		"zha, enm":                            {english, chinese},
		"zh_CN":                               {english, chinese},
		"zh;q=2, en;q=0.1":                    {english, english},
		"zh;q=NaN, en;q=0.1":                  {english, english},
		"zh;q=1.001, en;q=0.1":                {english, english},
		"zh;q=0.1234, en;q=0.1":               {english, english},
		"zh;q=-1;q=1, en;q=0.1":               {english, english},
		"zh;level=1, en;q=0.1":                {english, english},
		"zh; Q = 0.5, en;q=0.4":               {chinese, chinese},
		"zh;, en;q=0.4":                       {chinese, chinese},
		",,,;;,zh,":                           {chinese, chinese},
		strings.Repeat("fr,", 30) + "zh":      {english, chinese},
		strings.Repeat("x", 600) + ",zh":      {english, chinese},
		"en;q=0.5," + strings.Repeat(" ", 500) + "zh;q=0.9": {english, english},
	} {
		for ua, want := range map[string]language{chromeUA: want.browser, weChatUA: want.weChat} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Header.Set("User-Agent", ua)
			if header != "" {
				r.Header.Set("Accept-Language", header)
			}
			if got := preferred(r); got != want {
				t.Errorf("%.60q from %.20s…: %s, want %s", header, ua, got, want)
			}
		}
	}
}

func TestPreferredManyHeaders(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header["Accept-Language"] = []string{"fr", "en;q=0.2", "zh;q=0.3"}
	if got := preferred(r); got != chinese {
		t.Errorf("%s", got)
	}
}

func FuzzWeigh(f *testing.F) {
	for _, s := range []string{"", "zh-CN,zh;q=0.9,en;q=0.8", "en;q=1.000", "*;q=0", ",,;;==", "zh;q=0.", strings.Repeat("zh,", 500)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		zh, en, first := weigh(s)
		if zh < 0 || zh > 1000 || en < 0 || en > 1000 {
			t.Fatalf("%q weighs %d and %d", s, zh, en)
		}
		if (first == "") != (zh == 0 && en == 0) {
			t.Fatalf("%q weighs %d and %d, first is %q", s, zh, en, first)
		}
		if zh > 0 && !strings.Contains(strings.ToLower(s), "zh") || en > 0 && !strings.Contains(strings.ToLower(s), "en") {
			t.Fatalf("%q weighs %d and %d", s, zh, en)
		}
	})
}
