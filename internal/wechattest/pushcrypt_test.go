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
		sealed, err := SealPush(officialKey, officialApp, []byte(text))
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
		reply, err := a.judge(answer)
		if err != nil && reply != "" {
			t.Errorf("refused, and still a reply: %q", reply)
		}
		if _, err := openPush(officialKey, officialApp, string(answer)); err == nil {
			t.Errorf("%q is an envelope", answer)
		}
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	safe := Account{AppID: officialApp, Push: PushSettings{Token: officialToken, AESKey: officialKey, Mode: PushSafe}}
	compat, plain := safe, safe
	compat.Push.Mode, plain.Push.Mode = PushCompat, PushPlain
	reply := `{"Encrypt":"` + officialReply + `","MsgSignature":"1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1","TimeStamp":1713424427,"Nonce":"415670741"}`
	inXML := "<xml><Encrypt><![CDATA[" + officialReply + "]]></Encrypt><MsgSignature>1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1</MsgSignature>" +
		"<TimeStamp>1713424427</TimeStamp><Nonce>415670741</Nonce></xml>"
	clear := "<xml><Content><![CDATA[你好]]></Content></xml>"
	sealed := func(message string) string {
		text, err := SealPush(officialKey, officialApp, []byte(message))
		if err != nil {
			t.Fatal(err)
		}
		return "<xml><Encrypt>" + text + "</Encrypt><MsgSignature>" + signPush(officialToken, "1", "2", text) + "</MsgSignature><TimeStamp>1</TimeStamp><Nonce>2</Nonce></xml>"
	}
	for _, c := range []struct {
		name          string
		account       Account
		answer, reply string
		accepted      bool
	}{
		{"success", safe, "success", "", true},
		{"nothing", safe, "", "", true},
		{"sealed JSON in JSON", safe, reply, `{"demo_resp":"good luck"}`, true},
		{"sealed JSON in XML", safe, inXML, `{"demo_resp":"good luck"}`, true},
		{"TimeStamp as a string", safe, strings.Replace(reply, `1713424427`, `"1713424427"`, 1), `{"demo_resp":"good luck"}`, true},
		{"sealed XML", safe, sealed(clear), clear, true},
		{"sealed XML on lines", safe, sealed("<xml>\n  <Content>1</Content>\n</xml>\n"), "<xml>\n  <Content>1</Content>\n</xml>\n", true},
		{"sealed success", safe, sealed("success"), "", true},
		{"nothing, sealed", safe, sealed(""), "", true},
		{"sealed, in compatible mode", compat, sealed(clear), clear, true},
		{"clear, in compatible mode", compat, clear, clear, true},
		{"clear, in plain mode", plain, clear, clear, true},
		{"clear JSON, in plain mode", plain, `{"a":1}`, `{"a":1}`, true},
		{"clear, in safe mode", safe, clear, "", false},
		{"clear JSON, in safe mode", safe, `{"a":1}`, "", false},
		{"sealed: not closed", safe, sealed("<xml><Content>再见"), "", false},
		{"sealed: tags cross", safe, sealed("<xml><a><b></a></b></xml>"), "", false},
		{"sealed: a bare ampersand", safe, sealed("<xml><Content>Q&A</Content></xml>"), "", false},
		{"sealed: text follows", safe, sealed(clear + "bye"), "", false},
		{"sealed: two messages", safe, sealed(clear + clear), "", false},
		{"sealed: another element", safe, sealed("<message></message>"), "", false},
		{"sealed: broken JSON", safe, sealed(`{"a":1`), "", false},
		{"sealed: a text", safe, sealed("再见"), "", false},
		{"sealed: control bytes", safe, sealed("<xml><Content>\x00</Content></xml>"), "", false},
		{"clear: text follows", plain, clear + "bye", "", false},
		{"clear: two messages", plain, clear + clear, "", false},
		{"a wrong signature", safe, strings.Replace(reply, "1b93", "1b94", 1), "", false},
		{"another text", safe, strings.Replace(inXML, "ELGd", "ELGe", 1), "", false},
		{"text after the envelope", safe, sealed(clear) + "bye", "", false},
		{"a line", safe, "success\n", "", false},
		{"capitals", safe, "SUCCESS", "", false},
		{"ok", safe, "ok", "", false},
		{"a page", plain, "<html></html>", "", false},
		{"not closed", plain, "<xml><Content>", "", false},
		{"half of JSON", plain, "{", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.account.judge([]byte(c.answer)); got != c.reply || (err == nil) != c.accepted {
				t.Errorf("%q: %q, %v", c.answer, got, err)
			}
		})
	}
}
