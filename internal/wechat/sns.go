package wechat

import "context"

// Limits of sent values, in bytes. WeChat documents only "512 or more" for a
// code (WeCom) and a token.
const (
	maxAppID  = 128
	maxSecret = 256
	maxCode   = 512
	maxToken  = 2048
)

// The calls of web authorisation (wechat-protocol A4).
var (
	exchange = endpoint{
		op: "exchange", path: "/sns/oauth2/access_token", single: true, patient: true,
		kinds: map[int]Remedy{40001: RemedyAlert}, // no token is involved: the secret is wrong
	}
	refresh = endpoint{
		op: "refresh", path: "/sns/oauth2/refresh_token", single: true, patient: true,
		kinds: map[int]Remedy{40001: RemedyRestart, 40014: RemedyRestart, 42001: RemedyRestart}, // the refresh token is invalid
	}
	userInfo = endpoint{
		op: "userinfo", path: "/sns/userinfo", patient: true,
		kinds: map[int]Remedy{40001: RemedyRefresh},
	}
)

// Exchange spends a code and returns the visitor's identity. The call is the
// same for the codes of web authorisation, of a website's QR sign-in and of a
// mobile app, each with the credentials of the account that the code was made
// for. The request is repeated only if WeChat says that it is busy. An empty
// code is ErrStartPage, an impossible code (more than 512 bytes, or bytes that
// are not printable ASCII) is ErrRestart; neither is sent. After ErrUncertain
// the code may be spent and must not be tried again.
func (c *Client) Exchange(ctx context.Context, cred Credentials, code string) (Token, error) {
	if err := exchange.checkCode(cred, code); err != nil {
		return Token{}, err
	}
	r, err := c.call(WithAppID(ctx, cred.AppID), exchange, []param{
		{"appid", cred.AppID},
		{"secret", cred.Secret.Reveal()},
		{"code", code},
		{"grant_type", "authorization_code"},
	}, cred.Secret, NewSecret(code))
	return exchange.token(r, err)
}

// Refresh returns a new access token for a refresh token, which lives for 30
// days. WeChat needs no app secret for it and gives no UnionID. The request is
// repeated only where WeChat says that it is busy.
func (c *Client) Refresh(ctx context.Context, appID string, token Secret) (Token, error) {
	switch {
	case !sendable(appID, maxAppID):
		return Token{}, refresh.fail(RemedyAlert, "the app id is missing or malformed")
	case !sendable(token.Reveal(), maxToken):
		return Token{}, refresh.fail(RemedyRestart, "the refresh token is missing or malformed")
	}
	r, err := c.call(WithAppID(ctx, appID), refresh, []param{
		{"appid", appID},
		{"grant_type", "refresh_token"},
		{"refresh_token", token.Reveal()},
	}, token)
	return refresh.token(r, err)
}

// UserInfo returns the profile of openID, for which access was given with
// ScopeUserInfo; with ScopeBase, and sometimes with the token of a 快照页
// (snapshot page), WeChat answers 48001. A profile of another openid is an
// error.
func (c *Client) UserInfo(ctx context.Context, access Secret, openID string) (UserInfo, error) {
	if err := userInfo.checkUser(access, openID); err != nil {
		return UserInfo{}, err
	}
	r, err := c.call(ctx, userInfo, []param{
		{"access_token", access.Reveal()},
		{"openid", openID},
		{"lang", "zh_CN"},
	}, access, NewSecret(openID))
	if err != nil {
		return UserInfo{}, err
	}
	info, err := parseUserInfo(r)
	switch {
	case err != nil:
		return UserInfo{}, userInfo.malformed(err)
	case info.OpenID != openID:
		// A cache that ignores the query could return another visitor's
		// profile.
		return UserInfo{}, userInfo.fail(RemedyAlert, "the profile belongs to another openid")
	}
	return info, nil
}

// token reads the Token in the answer of a call.
func (ep endpoint) token(r reply, err error) (Token, error) {
	if err != nil {
		return Token{}, err
	}
	token, err := parseToken(r)
	if err != nil {
		return Token{}, ep.malformed(err)
	}
	return token, nil
}

// checkCode refuses a code, or credentials, that cannot be sent.
func (ep endpoint) checkCode(cred Credentials, code string) error {
	switch {
	case code == "":
		return ep.fail(RemedyStartPage, "there is no code")
	case !sendable(code, maxCode):
		return ep.fail(RemedyRestart, "this is not a code")
	}
	return ep.checkCredentials(cred)
}

// checkCredentials refuses credentials that cannot be sent.
func (ep endpoint) checkCredentials(cred Credentials) error {
	switch {
	case !sendable(cred.AppID, maxAppID):
		return ep.fail(RemedyAlert, "the app id is missing or malformed")
	case !sendable(cred.Secret.Reveal(), maxSecret):
		return ep.fail(RemedyAlert, "the app secret is missing or malformed")
	}
	return nil
}

// checkUser refuses a visitor's token or openid that cannot be sent.
func (ep endpoint) checkUser(access Secret, openID string) error {
	if !sendable(access.Reveal(), maxToken) {
		return ep.fail(RemedyRefresh, "the access token is missing or malformed")
	}
	if id, ok := parseID(openID); !ok || id != openID {
		return ep.fail(RemedyAlert, "the openid is missing or malformed")
	}
	return nil
}

// sendable reports whether value has 1 to limit bytes, all printable ASCII.
func sendable(value string, limit int) bool {
	for i := range len(value) {
		if value[i] <= ' ' || value[i] >= 0x7f {
			return false
		}
	}
	return value != "" && len(value) <= limit
}
