package wechat

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestMiniSessions(t *testing.T) {
	t.Parallel()
	var file fixtures
	readJSON(t, "http_fixtures.json", &file)
	want := map[string]MiniSession{
		"sns_jscode2session":                   {"OPENID", "UNIONID", NewSecret("SESSION_KEY")},
		"sns_jscode2session_legacy_expires_in": {"o16wA0b4AZKzgVJR3MBwoUdTfU_E", "or4zX05h_Ykt4ju0TUfx3CQsvfTo", NewSecret("D1ZWEygStjuLCnZ9IN2l4Q==")},
		"sns_jscode2session_errcode0":          {"xxxxxx", "xxxxx", NewSecret("xxxxx")},
	}
	bodies := map[string]json.RawMessage{
		"no unionid":  json.RawMessage(`{"openid":"o1","session_key":"k=="}`),
		"no key":      json.RawMessage(`{"openid":"o1"}`),
		"odd key":     json.RawMessage(`{"openid":"o1","session_key":{}}`),
		"key of two":  json.RawMessage(`{"openid":"o1","session_key":"a\nb"}`),
		"endless key": json.RawMessage(`{"openid":"o1","session_key":"` + strings.Repeat("k", 129) + `"}`),
	}
	for name := range bodies {
		want[name] = MiniSession{OpenID: "o1"}
	}
	want["no unionid"] = MiniSession{OpenID: "o1", SessionKey: NewSecret("k==")}
	for name, want := range want {
		body := bodies[name]
		if body == nil {
			body = file.Success[name].Body
		}
		if got, err := newClient(t, answer(string(body))).Login(t.Context(), testCred, testCode); err != nil || got != want {
			t.Errorf("%s: %+v (%q), %v", name, got, got.SessionKey.Reveal(), err)
		}
	}
}

func TestMiniSessionsWithoutIdentity(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"session_key":"k=="}`, `{"openid":"o1\r\nX: y","session_key":"k"}`, `{"openid":"o1","unionid":"u 1","session_key":"k"}`} {
		if got, err := newClient(t, answer(body)).Login(t.Context(), testCred, testCode); !errors.Is(err, ErrUncertain) || got != (MiniSession{}) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestNothingOddIsSentForMiniPrograms(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	c := newClient(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for code, want := range map[string]error{"": ErrStartPage, "a\nb": ErrRestart, "码": ErrRestart, strings.Repeat("a", 513): ErrRestart} {
		_, err := c.Login(t.Context(), testCred, code)
		_, errPhone := c.Phone(t.Context(), testAccess, testAppID, code, testOpenID)
		if !errors.Is(err, want) || !errors.Is(errPhone, want) {
			t.Errorf("code %q: %v, %v", code, err, errPhone)
		}
	}
	for _, cred := range []Credentials{{}, {AppID: testAppID}, {AppID: "a b", Secret: testSecret}} {
		_, err := c.Login(t.Context(), cred, testCode)
		_, _, errToken := c.stableToken(t.Context(), cred, true)
		if !errors.Is(err, ErrAlert) || !errors.Is(errToken, ErrAlert) {
			t.Errorf("%+v: %v, %v", cred, err, errToken)
		}
	}
	for _, access := range []Secret{{}, NewSecret("a\nb"), NewSecret(strings.Repeat("a", 2049))} {
		_, errPhone := c.Phone(t.Context(), access, testAppID, testCode, "")
		_, errFollower := c.Follower(t.Context(), access, testOpenID)
		_, _, errTicket := c.jsTicket(t.Context(), access)
		if !errors.Is(errPhone, ErrRenew) || !errors.Is(errFollower, ErrRenew) || !errors.Is(errTicket, ErrRenew) {
			t.Errorf("token of %d bytes: %v, %v, %v", len(access.Reveal()), errPhone, errFollower, errTicket)
		}
	}
	for _, openID := range []string{" o1", "o1&lang=en", "o1\r\n", strings.Repeat("o", 65), ""} {
		_, errFollower := c.Follower(t.Context(), testAccess, openID)
		if _, err := c.Phone(t.Context(), testAccess, testAppID, testCode, openID); openID != "" && !errors.Is(err, ErrAlert) || !errors.Is(errFollower, ErrAlert) {
			t.Errorf("openid %q: %v, %v", openID, err, errFollower)
		}
	}
	if hits.Load() != 1 { // the phone number of whoever it is
		t.Errorf("WeChat was asked %d times", hits.Load())
	}
}

func TestMiniProfiles(t *testing.T) {
	t.Parallel()
	const id = `"openId":"` + sampleOpenID + `"`
	good := map[string]MiniProfile{
		id: {OpenID: sampleOpenID},
		id + `,"unionId":" u1","nickName":"小明","avatarUrl":"https://a.example/x"`: {sampleOpenID, "u1", "小明", "https://a.example/x"},
		id + `,"nickName":"微信用户","avatarUrl":"https://a.example/grey"`:            {OpenID: sampleOpenID},
		id + `,"nickName":" 微信用户\n","avatarUrl":"https://a.example/grey"`:         {OpenID: sampleOpenID},
		id + `,"nickName":"","avatarUrl":"https://a.example/x"`:                   {OpenID: sampleOpenID, AvatarURL: "https://a.example/x"},
		id + `,"nickName":"a\u202eb\r\n","avatarUrl":"javascript:alert(1)"`:       {OpenID: sampleOpenID, Nickname: "ab"},
		id + `,"unionId":null,"nickName":{},"avatarUrl":[]`:                       {OpenID: sampleOpenID},
	}
	for fields, want := range good {
		if got, err := enveloped(marked(fields)).Profile(sampleTime); err != nil || got != want {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
	for _, fields := range []string{`"a":1`, `"openId":""`, `"openId":"o\r\n1"`, `"openid":"` + sampleOpenID + `"`, id + `,"unionId":"u\n1"`, id + `,"unionId":{}`} {
		if got, err := enveloped(marked(fields)).Profile(sampleTime); !errors.Is(err, errDecrypt) || got != (MiniProfile{}) {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
}

func TestRawDataSignature(t *testing.T) {
	t.Parallel()
	var file struct {
		Vectors []struct {
			Data      string `json:"rawData"`
			Key       string `json:"session_key"`
			Signature string `json:"signature"`
		} `json:"vectors"`
	}
	readJSON(t, "miniprogram_rawdata_signature.json", &file)
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.Vectors {
		key := NewSecret(v.Key)
		if err := VerifyRawData(key, v.Data, v.Signature); err != nil {
			t.Errorf("%s: %v", v.Signature, err)
		}
		changed := []error{
			VerifyRawData(NewSecret(sampleKey), v.Data, v.Signature),
			VerifyRawData(Secret{}, v.Data, v.Signature),
			VerifyRawData(key, v.Data+" ", v.Signature),
			VerifyRawData(key, strings.Replace(v.Data, "a", "b", 1), v.Signature),
			VerifyRawData(key, v.Data, ""),
			VerifyRawData(key, v.Data, v.Signature[:38]),
			VerifyRawData(key, v.Data, v.Signature+"00"),
			VerifyRawData(key, v.Data, "x"+v.Signature[1:]),
			VerifyRawData(key, v.Data, strings.Repeat("0", 40)),
			VerifyRawData(key, v.Data, strings.Repeat("0", 1<<20)),
		}
		for i, err := range changed {
			if !errors.Is(err, errSignature) || !errors.Is(err, ErrRelogin) {
				t.Errorf("change %d: %v", i, err)
			}
		}
	}
	// An empty key is one that everybody knows: sha1("{}") is no signature.
	if err := VerifyRawData(Secret{}, "{}", "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f"); !errors.Is(err, errSignature) {
		t.Errorf("empty key: %v", err)
	}
	long := strings.Repeat(" ", maxRawData+1)
	if err := VerifyRawData(NewSecret("k"), long, rawSignature(long, "k")); !errors.Is(err, errSignature) {
		t.Errorf("8 KiB and 1: %v", err)
	}
	if err := VerifyRawData(NewSecret("k"), long[1:], rawSignature(long[1:], "k")); err != nil {
		t.Errorf("8 KiB: %v", err)
	}
}
