package wechattest

import (
	"errors"
	"strings"
	"testing"
)

// The worked example of WeChat's 消息加解密说明.
const (
	officialToken = "AAAAA"
	officialApp   = "wxba5fad812f8e6fb9"
	officialText  = `{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}`
	officialPush  = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
	officialReply = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
)

var officialKey = strings.Repeat("A", aesKeyLength)

func TestOfficialSignatures(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"f464b24fc39322e44b38aa78f5edd27bd1441696": {officialToken, "1714036504", "1514711492"},
		"899cf89e464efb63f54ddac96b0a0a235f53aa78": {officialToken, "1714037059", "486452656"},
		"6c5c811b55cc85e0e1b54100749188c20beb3f5d": {officialToken, "1714112445", "415670741"},
		"046e02f8204d34f8ba5fa3b1db94908f3df2e9b3": {officialToken, "1714112445", "415670741", officialPush},
		"1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1": {officialToken, "1713424427", "415670741", officialReply},
	} {
		if got := signPush(parts...); got != want {
			t.Errorf("%.50q: %s", parts, got)
		}
	}
}

func TestOfficialEnvelopes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ random, clear, sealed string }{
		{"a8eedb185eb2fecf", officialText, officialPush},
		{"707722b803182950", `{"demo_resp":"good luck"}`, officialReply},
	} {
		sealed, err := sealPushWith([]byte(c.random), officialKey, officialApp, []byte(c.clear))
		if err != nil || sealed != c.sealed {
			t.Errorf("sealed %s, %v", sealed, err)
		}
		clear, err := openPush(officialKey, officialApp, c.sealed)
		if err != nil || string(clear) != c.clear {
			t.Errorf("opened %s, %v", clear, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, app, sealed string }{
		"another app":  {officialKey, "wx0000000000000000", officialPush},
		"another key":  {strings.Repeat("B", aesKeyLength), officialApp, officialPush},
		"a short key":  {"AAAA", officialApp, officialPush},
		"half a block": {officialKey, officialApp, officialPush[:60]},
		"no base64":    {officialKey, officialApp, "!"},
		"nothing":      {officialKey, officialApp, ""},
	} {
		if clear, err := openPush(c.key, c.app, c.sealed); !errors.Is(err, errEnvelope) {
			t.Errorf("%s: %q, %v", name, clear, err)
		}
	}
}

// Every length of a message has its padding of 1 to 32 bytes.
func TestEnvelopePadding(t *testing.T) {
	t.Parallel()
	for length := range 100 {
		text := strings.Repeat("x", length)
		sealed, err := sealPush(officialKey, officialApp, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if clear, err := openPush(officialKey, officialApp, sealed); err != nil || string(clear) != text {
			t.Errorf("%d bytes: %q, %v", length, clear, err)
		}
	}
}

// What a server answers is anybody's bytes.
func FuzzJudge(f *testing.F) {
	a := Account{AppID: officialApp, Push: PushSettings{Token: officialToken, AESKey: officialKey}}
	f.Add([]byte("success"))
	f.Add([]byte(`{"Encrypt":"` + officialReply + `","MsgSignature":"1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1","TimeStamp":1713424427,"Nonce":"415670741"}`))
	f.Add([]byte("<xml><Encrypt><![CDATA[AAAA]]></Encrypt></xml>"))
	f.Add([]byte("<xml><Content>1</Content></xml>"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		reply, accepted := a.judge(answer)
		if !accepted && reply != "" {
			t.Errorf("refused, and still a reply: %q", reply)
		}
		if _, err := openPush(officialKey, officialApp, string(answer)); err == nil {
			t.Errorf("%q is an envelope", answer)
		}
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	a := Account{AppID: officialApp, Push: PushSettings{Token: officialToken, AESKey: officialKey, Mode: PushSafe}}
	reply := `{"Encrypt":"` + officialReply + `","MsgSignature":"1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1","TimeStamp":1713424427,"Nonce":"415670741"}`
	inXML := "<xml><Encrypt><![CDATA[" + officialReply + "]]></Encrypt><MsgSignature>1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1</MsgSignature>" +
		"<TimeStamp>1713424427</TimeStamp><Nonce>415670741</Nonce></xml>"
	clear := "<xml><Content><![CDATA[你好]]></Content></xml>"
	for _, c := range []struct {
		answer, reply string
		accepted      bool
	}{
		{"success", "", true},
		{"", "", true},
		{reply, `{"demo_resp":"good luck"}`, true},
		{inXML, `{"demo_resp":"good luck"}`, true},
		{strings.Replace(reply, `1713424427`, `"1713424427"`, 1), `{"demo_resp":"good luck"}`, true},
		{clear, clear, true},
		{`{"a":1}`, `{"a":1}`, true},
		{strings.Replace(reply, "1b93", "1b94", 1), "", false},
		{strings.Replace(inXML, "ELGd", "ELGe", 1), "", false},
		{"success\n", "", false},
		{"SUCCESS", "", false},
		{"ok", "", false},
		{"<html></html>", "", false},
		{"<xml><Content>", "", false},
		{"{", "", false},
	} {
		if got, ok := a.judge([]byte(c.answer)); got != c.reply || ok != c.accepted {
			t.Errorf("%q: %q, %t", c.answer, got, ok)
		}
	}
}
