package test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Attack: who reads a log takes the address of a push from it, and in plain
// mode, where no body is signed, sends what they like with it. With the filter
// of Caddyfile.example no log has a signature, or the openid of who wrote.
func TestPushAddressesAreNotLogged(t *testing.T) {
	w := newWorld(t)
	b := newBot(t)
	siteLog, example := filepath.Join(w.folder, "site.log"), w.exampleLogFilter()
	w.load(strings.Replace(w.caddyfile(options{
		account: pushAccount + "\n\t\t\tpush_relay " + b.URL,
		before:  "rewrite * /app{uri}\n\tlog {\n\t\toutput file " + siteLog + "\n\t\t" + example + "\n\t}",
	}), "level DEBUG", "level DEBUG\n"+example, 1))
	pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
	if reply := w.saysText(t, "你好"); reply == "" {
		t.Error("the bot said nothing")
	}
	if pushed, err := w.wechat.CheckPush(appID); err != nil || !pushed.Accepted {
		t.Errorf("the check: %+v %v", pushed, err)
	}
	if status, _ := outside(t, http.MethodPost, w.site+"/_wechat/push/default?signature=0123456789abcdef", "x"); status != http.StatusForbidden {
		t.Errorf("a forgery: %d", status)
	}
	w.stop()
	own, err := os.ReadFile(siteLog)
	if err != nil {
		t.Fatal(err)
	}
	log := w.log() + string(own)
	if strings.Count(log, "/_wechat/push/default") < 3 {
		t.Fatal("the log is not what it should be")
	}
	q, err := url.ParseQuery(b.take()[0].query)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"token": pushToken, "key": pushAESKey, "text": "你好", "refused signature": "0123456789abcdef"}
	for _, name := range []string{"signature", "msg_signature", "openid"} {
		secrets[name] = q.Get(name)
	}
	for what, secret := range secrets {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("the %s stands in the log", what)
		}
	}
}
