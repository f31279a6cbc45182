package wechat

// KindOf returns what WeChat's error code asks for in general. A call may know
// better: 40001 from Exchange means a wrong app secret, from UserInfo a dead
// token; Error.Kind has the better answer. A code nobody knows is KindAlert; 0
// is no error and gives "".
func KindOf(code int) Kind {
	if code == 0 {
		return ""
	}
	if kind, ok := errcodes[code]; ok {
		return kind
	}
	return KindAlert
}

// errcodes has every code WeChat documents, or was seen to give, on the surfaces
// a gateway touches (WeChat: global return codes; protocol facts, section I).
var errcodes = map[int]Kind{
	-1:    KindRetry,     // system busy
	40001: KindRenew,     // invalid credential: wrong secret, or token superseded
	40003: KindAlert,     // invalid openid, or one of another account
	40013: KindAlert,     // invalid appid
	40014: KindRefresh,   // invalid access_token
	40029: KindRestart,   // invalid code: wrong, expired, forged or of another appid
	40030: KindRestart,   // invalid refresh_token
	40035: KindAlert,     // invalid parameter
	40097: KindAlert,     // invalid args
	40125: KindAlert,     // invalid appsecret
	40163: KindReuse,     // code been used
	40164: KindAlert,     // our address is not in the allowlist
	40226: KindDeny,      // code blocked: high-risk user
	40243: KindAlert,     // AppSecret frozen
	41001: KindAlert,     // access_token missing
	41002: KindAlert,     // appid missing
	41003: KindAlert,     // refresh_token missing
	41004: KindAlert,     // secret missing
	41008: KindStartPage, // missing code
	41009: KindAlert,     // missing openid
	42001: KindRefresh,   // access_token expired
	42002: KindRestart,   // refresh_token expired
	42003: KindRestart,   // code expired
	42007: KindRestart,   // the visitor changed the password, tokens are void
	43004: KindDeny,      // the visitor must follow the account
	45009: KindStop,      // quota exhausted
	45011: KindThrottled, // too frequent this minute
	48001: KindAlert,     // no permission, wrong scope, or the token of a 快照页
	48004: KindAlert,     // api banned
	50001: KindRestart,   // the visitor has not authorised this
	50002: KindDeny,      // the visitor is restricted
	60020: KindAlert,     // WeCom: our address is not allowed
	61004: KindAlert,     // our address is not allowed
	61023: KindAlert,     // refresh_token of a third-party platform is invalid
	87009: KindRelogin,   // invalid signature: session_key replaced
	89501: KindBackoff,   // an administrator's answer is pending
	89503: KindBackoff,   // an administrator must confirm our address
	89506: KindBackoff,   // an administrator refused, for 24 hours
	89507: KindBackoff,   // an administrator refused, for 1 hour
}
