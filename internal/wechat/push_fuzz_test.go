package wechat

import (
	"errors"
	"strings"
	"testing"
)

// No query panics, and none is right that was not signed.
func FuzzPushQuery(f *testing.F) {
	f.Add("signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&timestamp=1714037059&nonce=486452656")
	f.Add("msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3&timestamp=1714112445&nonce=415670741&encrypt_type=aes&openid=o1")
	f.Add("signature=%00&timestamp=&nonce=%zz&echostr=4375120948345356249")
	keys := &PushKeys{Tokens: []Secret{pushTokenNow}, AppID: testAppID}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := ParsePushQuery(raw)
		if err != nil {
			return
		}
		if keys.CheckQuery(q) == nil {
			t.Errorf("%q is right", raw)
		}
		q.Time()
		if echo, ok := q.Echo(); ok && strings.ContainsAny(echo, "\r\n\x00 ") {
			t.Errorf("%q would be answered", echo)
		}
	})
}

// No body panics; what is read stays within its bounds; without a right
// msg_signature nothing is.
func FuzzPushBody(f *testing.F) {
	for _, write := range pushFormats {
		f.Add([]byte(write(pushRevokeFields...)))
		f.Add([]byte(write("Encrypt", sealTest(f, pushAESNow, testAppID, write(pushRevokeFields...)))))
	}
	f.Add([]byte(`{" OpenID":"o1","RevokeInfo":["1",],}`))
	f.Add([]byte("<xml><a><b/></a><Event><![CDATA[\x07]]></Event></xml>"))
	open := &PushKeys{Tokens: []Secret{pushTokenNow}, AppID: testAppID}
	sealed := &PushKeys{Tokens: []Secret{pushTokenNow}, AESKeys: []Secret{pushAESNow}, AppID: testAppID}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := open.Open(signTest(pushTokenNow, ""), body)
		if err != nil && m != (PushMessage{}) {
			t.Error("refused, and yet read")
		}
		for _, text := range []string{m.ToUserName, m.FromUserName, m.MsgType, m.Event, m.MsgID, m.AppID, m.RevokeInfo} {
			if len(text) > 2*maxPushField { // lower case may be longer
				t.Errorf("a field of %d bytes", len(text))
			}
		}
		for _, id := range []string{m.OpenID, m.UnionID, m.Person()} {
			if _, ok := parseID(id); id != "" && !ok {
				t.Errorf("%q is no id", id)
			}
		}
		if m, err := sealed.Open(signTest(pushTokenNow, "x"), body); err == nil {
			t.Errorf("unsigned, and yet read: %+v", m)
		}
	})
}

// No ciphertext panics, whatever it decrypts to, and none becomes a message
// that is for another app id.
func FuzzPushEnvelope(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), []byte{})
	f.Add([]byte{}, []byte("x"))
	f.Add(make([]byte, 48), append(make([]byte, 16), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, ciphertext, clear []byte) {
		_, _, err := openPush(pushAESNow, ciphertext)
		if err != nil && !errors.Is(err, errPushEnvelope) {
			t.Error(err)
		}
		keys := &PushKeys{Tokens: []Secret{pushTokenNow}, AESKeys: []Secret{pushAESNow}, AppID: testAppID}
		sealed := sealTest(t, pushAESNow, testAppID, string(clear))
		if got, err := keys.openEnvelope(sealed); err != nil || string(got) != string(clear) {
			t.Errorf("sealed and opened: %q, %v", got, err)
		}
		sealed = sealTest(t, pushAESNow, "wxother", string(clear))
		if _, err := keys.openEnvelope(sealed); !errors.Is(err, errPushAppID) {
			t.Errorf("another app's: %v", err)
		}
	})
}
