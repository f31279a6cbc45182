package wechattest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
)

// checkSession reports whether a server still has the session_key of the last
// wx.login, without sending the key (wechat-protocol D1.2). Every error of the
// key is 87009.
func (s *Server) checkSession(_ *http.Request, query url.Values) answer {
	account, errcode := s.global(AtCheckKey, query)
	switch {
	case errcode != 0:
		return failed(account.AppID, errcode)
	case account.Kind != MiniProgram:
		return failed(account.AppID, 48001)
	case query.Get("openid") == "":
		return failed(account.AppID, 41009)
	}
	person, ok := s.personOf(account.AppID, query.Get("openid"))
	if !ok {
		return failed(account.AppID, 40003)
	}
	s.vault.mu.Lock()
	key, ok := s.vault.sessionKeys.get(pair{person.ID, account.AppID}.key())
	s.vault.mu.Unlock()
	if !ok || query.Get("sig_method") != "hmac_sha256" || !same(query.Get("signature"), signBody("", key)) {
		return failed(account.AppID, 87009)
	}
	return answer{appID: account.AppID, fields: []field{{"errcode", 0}, {"errmsg", "ok"}}}
}

// signBody signs the body of a call with a session_key, which is used as text
// and not decoded (用户登录态签名, wechat-protocol D1.2). The body of a GET is empty.
func signBody(body, sessionKey string) string {
	mac := hmac.New(sha256.New, []byte(sessionKey))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}
