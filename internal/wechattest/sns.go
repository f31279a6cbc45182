package wechattest

import (
	"net/http"
	"net/url"
	"strings"
)

const (
	scopeBase     = "snsapi_base"
	scopeUserInfo = "snsapi_userinfo"
	scopeLogin    = "snsapi_login" // of websites

	// These two belong to the simulator: no page requests them.
	scopeMiniProgram = "mini_program"
	scopePhone       = "phone"
)

// credential makes the checks that all calls with an appid share. The order of
// the checks is WeChat's as far as it is known: missing parameters first.
func (s *Server) credential(at string, query url.Values, grantType string, withSecret bool) (Account, int) {
	appID := query.Get("appid")
	if appID == "" {
		return Account{}, 41002
	}
	account, ok := s.roster.account(appID)
	switch {
	case !ok:
		return Account{}, 40013
	case withSecret && query.Get("secret") == "":
		return account, 41004
	case withSecret && !same(query.Get("secret"), account.Secret):
		return account, 40125
	case query.Get("grant_type") != grantType:
		return account, 40002
	case s.overQuota(account.AppID, at):
		return account, 45011
	}
	return account, 0
}

// token exchanges a code (wechat-protocol A4.1).
func (s *Server) token(_ *http.Request, query url.Values) answer {
	account, errcode := s.credential(AtToken, query, "authorization_code", true)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	code := query.Get("code")
	if code == "" {
		return failed(account.AppID, 41008)
	}
	g, errcode := s.vault.spend(code, account.AppID, onWeb)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	if !g.snapshot {
		s.meet(g.person, g.appID)
	}
	record := s.vault.newTokens(g, s.identify(g.person, g.appID, g.snapshot))
	fields := tokenFields(record)
	if g.snapshot && !s.quirks.copy().SnapshotWithoutFlag {
		fields = append(fields, field{"is_snapshotuser", 1})
	}
	// snsapi_base never returns a unionid, and neither does an account without
	// a platform.
	if g.scope != scopeBase && record.unionID != "" {
		fields = append(fields, field{"unionid", record.unionID})
	}
	return answer{appID: account.AppID, fields: fields}
}

// refresh renews an access token, without the secret (wechat-protocol A4.2).
func (s *Server) refresh(_ *http.Request, query url.Values) answer {
	account, errcode := s.credential(AtRefresh, query, "refresh_token", false)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	token := query.Get("refresh_token")
	if token == "" {
		return failed(account.AppID, 41003)
	}
	record, errcode := s.vault.renew(token, account.AppID)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	return answer{appID: account.AppID, fields: tokenFields(record)}
}

func tokenFields(record tokenRecord) []field {
	return []field{
		{"access_token", record.access},
		{"expires_in", int(tokenLife.Seconds())},
		{"refresh_token", record.refresh},
		{"openid", record.openID},
		{"scope", record.scope},
	}
}

// bearer checks the access token and the openid of a call.
func (s *Server) bearer(at string, query url.Values) (tokenRecord, int) {
	switch {
	case query.Get("access_token") == "":
		return tokenRecord{}, 41001
	case query.Get("openid") == "":
		return tokenRecord{}, 41009
	}
	record, errcode := s.vault.lookup(query.Get("access_token"))
	switch {
	case errcode != 0:
	case s.overQuota(record.appID, at):
		errcode = 45011
	case record.openID != query.Get("openid"):
		errcode = 40003
	}
	return record, errcode
}

// userInfo returns the profile in today's form: only nickname and avatar since
// 2021-10-20 (wechat-protocol A4.3).
func (s *Server) userInfo(r *http.Request, query url.Values) answer {
	record, errcode := s.bearer(AtUserInfo, query)
	switch {
	case errcode != 0:
		return failed(record.appID, errcode)
	case record.scope == scopeBase:
		return failed(record.appID, 48001)
	case record.snapshot && s.quirks.copy().SnapshotUserInfoRefused:
		return failed(record.appID, 48001)
	}
	person, _ := s.roster.person(record.person)
	nickname, avatar, unionID := person.Nickname, absolute(r, person.AvatarURL), s.UnionID(record.person, record.appID)
	if record.snapshot {
		nickname, avatar, unionID = "微信用户", "", record.unionID
	}
	fields := []field{
		{"openid", record.openID},
		{"nickname", nickname},
		{"sex", 0},
		{"language", ""},
		{"city", ""},
		{"province", ""},
		{"country", ""},
		{"headimgurl", avatar},
		{"privilege", []string{}},
	}
	if unionID != "" {
		fields = append(fields, field{"unionid", unionID})
	}
	return answer{appID: record.appID, fields: fields}
}

// absolute returns the absolute address of an avatar served by the simulator.
func absolute(r *http.Request, avatar string) string {
	if !strings.HasPrefix(avatar, "/") {
		return avatar
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + avatar
}

// auth reports whether an access token is valid (wechat-protocol A4.4).
func (s *Server) auth(_ *http.Request, query url.Values) answer {
	record, errcode := s.bearer(AtAuth, query)
	if errcode != 0 {
		return failed(record.appID, errcode)
	}
	return answer{appID: record.appID, fields: []field{{"errcode", 0}, {"errmsg", "ok"}}}
}
