package wechat

// RemedyOf returns the general remedy for WeChat's error code. Error.Remedy is
// more exact, because some codes depend on the call: 40001 from Exchange means
// a wrong app secret, from UserInfo an invalid token. An unknown code is
// RemedyAlert; 0 is no error and gives "".
func RemedyOf(code int) Remedy {
	if code == 0 {
		return ""
	}
	if kind, ok := errcodes[code]; ok {
		return kind
	}
	return RemedyAlert
}

// errcodes has every code that WeChat documents, or was seen to return, for the
// calls of this package (wechat-protocol I1).
var errcodes = map[int]Remedy{
	-1:    RemedyRetry,     // system busy
	40001: RemedyRenew,     // invalid credential: wrong secret, or token superseded
	40003: RemedyAlert,     // invalid openid, or one of another account
	40013: RemedyAlert,     // invalid appid
	40014: RemedyRefresh,   // invalid access_token
	40029: RemedyRestart,   // invalid code: wrong, expired, forged or of another appid
	40030: RemedyRestart,   // invalid refresh_token
	40035: RemedyAlert,     // invalid parameter
	40097: RemedyAlert,     // invalid args
	40125: RemedyAlert,     // invalid appsecret
	40163: RemedyReuse,     // code been used
	40164: RemedyAlert,     // our address is not in the allowlist
	40226: RemedyDeny,      // code blocked: high-risk user
	40243: RemedyAlert,     // AppSecret frozen
	41001: RemedyAlert,     // access_token missing
	41002: RemedyAlert,     // appid missing
	41003: RemedyAlert,     // refresh_token missing
	41004: RemedyAlert,     // secret missing
	41008: RemedyStartPage, // missing code
	41009: RemedyAlert,     // missing openid
	42001: RemedyRefresh,   // access_token expired
	42002: RemedyRestart,   // refresh_token expired
	42003: RemedyRestart,   // code expired
	42007: RemedyRestart,   // the visitor changed the password, tokens are void
	43004: RemedyDeny,      // the visitor must follow the account
	45009: RemedyStop,      // quota exhausted
	45011: RemedyThrottled, // too frequent this minute
	48001: RemedyAlert,     // no permission, wrong scope, or the token of a 快照页
	48004: RemedyAlert,     // api banned
	50001: RemedyRestart,   // the visitor has not authorised this
	50002: RemedyDeny,      // the visitor is restricted
	60020: RemedyAlert,     // WeCom: our address is not allowed
	61004: RemedyAlert,     // our address is not allowed
	61023: RemedyAlert,     // refresh_token of a third-party platform is invalid
	87009: RemedyRelogin,   // invalid signature: session_key replaced
	89501: RemedyBackoff,   // an administrator's answer is pending
	89503: RemedyBackoff,   // an administrator must confirm our address
	89506: RemedyBackoff,   // an administrator refused, for 24 hours
	89507: RemedyBackoff,   // an administrator refused, for 1 hour
}
