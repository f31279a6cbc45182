package wechattest

import (
	"strings"
	"testing"
)

// The worked example of WeChat's document: the session_key is the key of the
// HMAC, as the text it is.
func TestOfficialBodySignature(t *testing.T) {
	t.Parallel()
	const want = "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"
	if got := signBody(`{"foo":"bar"}`, "o0q0otL8aEzpcZL/FT9WsQ=="); got != want {
		t.Error(got)
	}
}

func TestCheckSession(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	token := stable(t, s, mini, miniSecret, false).AccessToken
	old := toSession(t, s, s.MiniProgramCode("alice", mini)).SessionKey
	key := toSession(t, s, s.MiniProgramCode("alice", mini)).SessionKey
	alice, good := s.OpenID("alice", mini), signBody("", key)
	for _, c := range []struct {
		name, token, openID, signature, method string
		want                                   int
	}{
		{"the last key", token, alice, good, "hmac_sha256", 0},
		{"the key before", token, alice, signBody("", old), "hmac_sha256", 87009},
		{"no signature", token, alice, "", "hmac_sha256", 87009},
		{"in capitals", token, alice, strings.ToUpper(good), "hmac_sha256", 87009},
		{"another method", token, alice, good, "md5", 87009},
		{"who never signed in", token, s.OpenID("bob", mini), good, "hmac_sha256", 87009},
		{"signed with no key", token, s.OpenID("bob", mini), signBody("", ""), "hmac_sha256", 87009},
		{"no openid", token, "", good, "hmac_sha256", 41009},
		{"openid of another account", token, s.OpenID("alice", shop), good, "hmac_sha256", 40003},
		{"no token", "", alice, good, "hmac_sha256", 41001},
		{"token of an official account", stable(t, s, shop, shopSecret, false).AccessToken, alice, good, "hmac_sha256", 48001},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/wxa/checksession?access_token=" + c.token + "&openid=" + c.openID + "&signature=" + c.signature + "&sig_method=" + c.method
			if v := askAPI(t, s, path, ""); v.Errcode != c.want || c.want == 0 && v.Errmsg != "ok" {
				t.Errorf("%+v, want %d", v, c.want)
			}
		})
	}
}
