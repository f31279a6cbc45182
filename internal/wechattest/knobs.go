package wechattest

import (
	"fmt"
	"slices"
)

var (
	apiOnly         = []string{AtToken, AtRefresh, AtUserInfo, AtAuth, AtSession, AtStableToken, AtClassic, AtPhone, AtFollower, AtFollowers, AtTicket, AtCheckKey}
	pageOnly        = []string{AtAuthorize, AtQRConnect}
	everywhere      = slices.Concat(pageOnly, apiOnly)
	authorizeOnly   = []string{AtAuthorize}
	userInfoOnly    = []string{AtUserInfo}
	phoneOnly       = []string{AtPhone}
	globalTokenOnly = []string{AtStableToken, AtClassic}
	globalOnly      = []string{AtPhone, AtFollower, AtFollowers, AtTicket, AtCheckKey}
	pushOnly        = []string{AtPush}
)

// control is one quirk: its name, what it is for the reader of the control
// page, where it can fire, and one of knob, number, flag.
type control struct {
	name, label string
	at          []string
	knob        func(*Quirks) *Knob
	number      func(*Quirks) *Number
	flag        func(*Quirks) *bool
}

// controls is the table of all quirks but QuotaPerMinute and
// ReplayWithoutCookies, which have a form of their own.
var controls = []control{
	{name: "Hang", label: "不回答，直到对方离开", at: everywhere, knob: func(q *Quirks) *Knob { return &q.Hang }},
	{name: "CutConnection", label: "执行后断开连接", at: everywhere, knob: func(q *Quirks) *Knob { return &q.CutConnection }},
	{name: "HTTPStatus", label: "HTTP 状态码", at: everywhere, number: func(q *Quirks) *Number { return &q.HTTPStatus }},
	{name: "HTMLBody", label: "返回 HTML", at: apiOnly, knob: func(q *Quirks) *Knob { return &q.HTMLBody }},
	{name: "Busy", label: "系统繁忙 -1", at: everywhere, knob: func(q *Quirks) *Knob { return &q.Busy }},
	{name: "TooFrequent", label: "太频繁 45011 / 10009", at: everywhere, knob: func(q *Quirks) *Knob { return &q.TooFrequent }},
	{name: "WrongErrcode", label: "指定 errcode", at: everywhere, number: func(q *Quirks) *Number { return &q.WrongErrcode }},
	{name: "TruncatedJSON", label: "JSON 被截断", at: apiOnly, knob: func(q *Quirks) *Knob { return &q.TruncatedJSON }},
	{name: "Late", label: "先执行，再出上面的故障", flag: func(q *Quirks) *bool { return &q.Late }},
	{name: "NumbersAsStrings", label: "数字写成字符串", at: apiOnly, knob: func(q *Quirks) *Knob { return &q.NumbersAsStrings }},
	{name: "CountryCodeAsNumber", label: "countryCode 是数字", at: phoneOnly, knob: func(q *Quirks) *Knob { return &q.CountryCodeAsNumber }},
	{name: "NicknameControlBytes", label: "昵称含控制字符", at: userInfoOnly, knob: func(q *Quirks) *Knob { return &q.NicknameControlBytes }},
	{name: "OldErrmsg", label: "旧式 errmsg（hints）", at: apiOnly, knob: func(q *Quirks) *Knob { return &q.OldErrmsg }},
	{name: "DoubleCallbackTwoCodes", label: "回调两次，两个 code", at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.DoubleCallbackTwoCodes }},
	{name: "SameCodeTwice", label: "回调两次，同一个 code", at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.SameCodeTwice }},
	{name: "DespiteConnectRedirect", label: "有 connect_redirect=1 也回调两次", flag: func(q *Quirks) *bool { return &q.DespiteConnectRedirect }},
	{name: "OldRefusal", label: "拒绝后带 state 返回（旧）", at: pageOnly, knob: func(q *Quirks) *Knob { return &q.OldRefusal }},
	{name: "ExtraQuery", label: "附加 from=singlemessage", at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.ExtraQuery }},
	{name: "SecondState", label: "前面多一个 state", at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.SecondState }},
	{name: "Snapshot", label: "所有人都是快照页", flag: func(q *Quirks) *bool { return &q.Snapshot }},
	{name: "SnapshotRealIDs", label: "快照页给真实 openid", flag: func(q *Quirks) *bool { return &q.SnapshotRealIDs }},
	{name: "SnapshotSharedUnionID", label: "快照页共用 unionid", flag: func(q *Quirks) *bool { return &q.SnapshotSharedUnionID }},
	{name: "SnapshotWithoutFlag", label: "快照页缺 is_snapshotuser", flag: func(q *Quirks) *bool { return &q.SnapshotWithoutFlag }},
	{name: "SnapshotUserInfoRefused", label: "快照页 userinfo 返回 48001", flag: func(q *Quirks) *bool { return &q.SnapshotUserInfoRefused }},
	{name: "IPNotAllowed", label: "IP 不在白名单 40164", at: globalTokenOnly, knob: func(q *Quirks) *Knob { return &q.IPNotAllowed }},
	{name: "GlobalTokenKilled", label: "access_token 失效 40001", at: globalOnly, knob: func(q *Quirks) *Knob { return &q.GlobalTokenKilled }},
	{name: "GlobalTokenExpired", label: "access_token 过期 42001", at: globalOnly, knob: func(q *Quirks) *Knob { return &q.GlobalTokenExpired }},
	{name: "AnonymousProfile", label: "小程序资料是“微信用户”", flag: func(q *Quirks) *bool { return &q.AnonymousProfile }},
	{name: "PushTwice", label: "同时推送两次", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushTwice }},
	{name: "PushBadSignature", label: "推送签名错误", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushBadSignature }},
	{name: "PushWrongAppID", label: "密文里是别的 appid", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushWrongAppID }},
	{name: "PushOddJSON", label: "JSON 键前有空格、末尾有逗号", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushOddJSON }},
	{name: "PushWithoutOpenID", label: "事件缺 OpenID", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushWithoutOpenID }},
	{name: "PushLowerCase", label: "事件的键是小写", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushLowerCase }},
	{name: "PushUnknownEvent", label: "没听说过的事件", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushUnknownEvent }},
	{name: "PushOldToken", label: "用更换前的 Token 和密钥推送", at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushOldToken }},
}

// check refuses what would silently never fire.
func (q Quirks) check() error {
	for _, c := range controls {
		var endpoint string
		var next int
		switch {
		case c.knob != nil:
			endpoint, next = c.knob(&q).Endpoint, c.knob(&q).Next
		case c.number != nil:
			endpoint, next = c.number(&q).Endpoint, c.number(&q).Next
		}
		if next < 0 || endpoint != "" && !slices.Contains(c.at, endpoint) {
			return fmt.Errorf("%w: %s at %q, next %d", ErrBadQuirk, c.name, endpoint, next)
		}
	}
	if q.HTTPStatus.Value != 0 && (q.HTTPStatus.Value < 200 || q.HTTPStatus.Value > 599) {
		return fmt.Errorf("%w: HTTPStatus %d", ErrBadQuirk, q.HTTPStatus.Value)
	}
	if q.QuotaPerMinute < 0 {
		return fmt.Errorf("%w: QuotaPerMinute %d", ErrBadQuirk, q.QuotaPerMinute)
	}
	if r := q.ReplayWithoutCookies; r.Next < 0 || r.Delay < 0 || r.Delay > maxReplayDelay {
		return fmt.Errorf("%w: ReplayWithoutCookies after %s, next %d", ErrBadQuirk, r.Delay, r.Next)
	}
	return nil
}
