package wechat

import (
	"strings"
	"testing"
)

func TestPushQuery(t *testing.T) {
	t.Parallel()
	q, err := ParsePushQuery("signature=a&timestamp=1714112445&nonce=%2B1&openid=o1&encrypt_type=aes&msg_signature=b&echostr=43")
	if at, ok := q.Time(); err != nil || q.Signature != "a" || q.MsgSignature != "b" || q.Nonce != "+1" || !ok || at.Unix() != 1714112445 {
		t.Errorf("%+v, %v", q, err)
	}
	for name, raw := range map[string]string{
		"twice":       "signature=a&signature=b",
		"long":        "nonce=" + strings.Repeat("1", 257),
		"very long":   "other=" + strings.Repeat("1", 5000),
		"bad escape":  "nonce=%zz",
		"semicolon":   "nonce=1;2",
		"echo, twice": "echostr=1&echostr=2",
	} {
		if _, err := ParsePushQuery(raw); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, stamp := range []string{"", "0", "-1", "1e9", "171411244500", " 1", "99999999999999999999"} {
		if at, ok := (PushQuery{Timestamp: stamp}).Time(); ok {
			t.Errorf("%q is the time %v", stamp, at)
		}
	}
	for _, echo := range []string{"", "a b", "a\r\nSet-Cookie: x", "é", "\x00"} {
		if text, ok := (PushQuery{EchoStr: echo}).Echo(); ok {
			t.Errorf("%q would be answered", text)
		}
	}
}
