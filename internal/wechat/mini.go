package wechat

import "context"

// maxSessionKey bounds a session_key, in bytes. Real keys have 24.
const maxSessionKey = 128

// miniLogin is the call of a mini program's sign-in (wechat-protocol D1).
var miniLogin = endpoint{
	op: "login", path: "/sns/jscode2session", single: true, patient: true,
	kinds: map[int]Remedy{40001: RemedyAlert}, // no token is involved: the secret is wrong
}

// MiniSession is WeChat's answer to the code of a mini program.
type MiniSession struct {
	// OpenID and UnionID are as in Token. UnionID is "" for a mini program that
	// is not bound to an Open Platform account.
	OpenID, UnionID string
	// SessionKey decrypts data that the client fetches from now on; the next
	// wx.login replaces it. It must never leave the server. It is empty if
	// WeChat returned no valid key; the sign-in does not depend on it.
	SessionKey Secret
}

// Login spends the code of wx.login, which is valid for five minutes, and
// returns the visitor's identity. The request is repeated only if WeChat says
// that it is busy. An empty code is ErrStartPage, an impossible code is
// ErrRestart; neither is sent. After ErrRestart and ErrUncertain the client
// must call wx.login again; ErrDeny (40226, a high-risk visitor) is final.
func (c *Client) Login(ctx context.Context, cred Credentials, code string) (MiniSession, error) {
	if err := miniLogin.checkCode(cred, code); err != nil {
		return MiniSession{}, err
	}
	r, err := c.call(WithAppID(ctx, cred.AppID), miniLogin, []param{
		{"appid", cred.AppID},
		{"secret", cred.Secret.Reveal()},
		{"js_code", code},
		{"grant_type", "authorization_code"},
	}, cred.Secret, NewSecret(code))
	if err != nil {
		return MiniSession{}, err
	}
	session, err := parseMiniSession(r)
	if err != nil {
		return MiniSession{}, miniLogin.malformed(err)
	}
	return session, nil
}

// parseMiniSession reads a successful answer to a mini program's code.
func parseMiniSession(r reply) (MiniSession, error) {
	openID, unionID, err := r.identity()
	if err != nil {
		return MiniSession{}, err
	}
	session := MiniSession{OpenID: openID, UnionID: unionID}
	if key, ok := r.text("session_key"); ok && sendable(key, maxSessionKey) {
		session.SessionKey = NewSecret(key)
	}
	return session, nil
}
