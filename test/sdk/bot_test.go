package sdk

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Message bots of other people answer through the gateway, in safe mode.
func TestBotsBehindTheRelay(t *testing.T) {
	for _, c := range []struct {
		name string
		bot  func(w *world) string
	}{
		{"silenceper", (*world).goBot},
		{"wechat of npm", func(w *world) string {
			return node(w.t, "bot.js", "APP_ID="+appID, "TOKEN="+pushToken, "AES_KEY="+pushKey)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			shop := httptest.NewServer(nil)
			defer shop.Close()
			w.runGateway(shop.URL, "push_token "+pushToken+"\n\t\t\tpush_aes_key "+pushKey+"\n\t\t\tpush_relay "+c.bot(w)+"/weixin")
			w.press("push", "account", appID, "url", w.site+"/_wechat/push/default", "token", pushToken, "aes_key", pushKey, "mode", "safe")
			const text = `你好 <b>&amp; "世界"`
			v := read[struct {
				Accepted bool
				Reply    string
			}](t, w.play("text", appID, text))
			if !v.Accepted || !strings.HasPrefix(v.Reply, "<xml>") || !strings.Contains(v.Reply, "<![CDATA[您说:"+text+"]]>") {
				t.Errorf("WeChat read %+v", v)
			}
		})
	}
}
