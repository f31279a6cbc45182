package audit

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

func TestClientKinds(t *testing.T) {
	t.Parallel()
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 14; V2307A) AppleWebKit/537.36 MicroMessenger/8.0.49.2600(0x2800313D) WeChat/arm64":                     "wechat_android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.49(0x18003137)":        "wechat_ios",
		"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) MicroMessenger/8.0.49":                                                                "wechat_ios",
		"Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.6":                                 "wechat_ohos",
		"Mozilla/5.0 (Windows NT 10.0; WOW64) MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF": "wechat_windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) MicroMessenger/6.8.0(0x16080000) MacWechat/3.8.7":                                   "wechat_mac",
		"Mozilla/5.0 (X11; Linux x86_64) MicroMessenger/4.0":                                                                                 "wechat_linux",
		"MicroMessenger/8.0": "wechat",
		"Mozilla/5.0 (iPhone) wxwork/4.1.6 MicroMessenger/7.0.1":  "wecom",
		"Mozilla/5.0 wechatdevtools/1.06 MicroMessenger/8.0.5":    "devtools",
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/132.0.0.0 Safari": "other",
		"": "other",
		strings.Repeat("x", request.MaxUserAgent) + "MicroMessenger/8.0 Android": "other",
		"MicroMessenger/8.0 \r\naction=admin":                                    "wechat",
	} {
		if got := Client(userAgent); got != want {
			t.Errorf("%.90q: %s, want %s", userAgent, got, want)
		}
	}
}

// Attack: log injection by a User-Agent. It chooses among a few words.
func FuzzClient(f *testing.F) {
	f.Add("Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.49")
	f.Add("wxwork/1 MicroMessenger/8\"\n{}")
	words := []string{
		"wechat_android", "wechat_ios", "wechat_ohos", "wechat_windows", "wechat_mac", "wechat_linux", "wechat", "devtools", "wecom", "other",
	}
	f.Fuzz(func(t *testing.T, userAgent string) {
		if got := Client(userAgent); !slices.Contains(words, got) {
			t.Errorf("%q", got)
		}
	})
}

func TestWriteAudit(t *testing.T) {
	t.Parallel()
	Log{}.Write(Record{Action: ActionErase})
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	id := session.ID{1, 2, 3}
	log := Log{Lines: logger}
	log.Write(Record{ActionRevoke, "main", strings.Repeat("p", 26), id, "other", "snapsi_base", "301", strings.Repeat("F", 26), "https://a", "claimed:root", "127.0.0.1"})
	log.Write(Record{Action: ActionAdmin, Reason: "export"})
	want := "level=INFO msg=revoke action=revoke account=main user=pppppppp session=" + id.Short() +
		" client=other scope=snapsi_base reason=301 flow=FFFFFFFF site=https://a operator=claimed:root from=127.0.0.1\n" +
		"level=INFO msg=admin action=admin reason=export\n"
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", &out, want)
	}
}
