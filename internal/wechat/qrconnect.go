package wechat

// QRConnect says what a browser asks WeChat's QR page for, where visitors of a
// website sign in by scanning (WeChat: website applications, B). The account is a
// website application of the Open Platform, not an official account; its code is
// good for ten minutes.
type QRConnect struct {
	AppID string
	// RedirectURI is as in Authorize. A fragment would be put in the wrong
	// place by WeChat's fast login.
	RedirectURI string
	// State is as in Authorize.
	State string
}

// QRConnectURL returns the address to send the browser to, with ScopeLogin, the
// only scope there is. The order of the parameters is the documented one.
func (c *Client) QRConnectURL(q QRConnect) string {
	params := []param{
		{"appid", q.AppID},
		{"redirect_uri", q.RedirectURI},
		{"response_type", "code"},
		{"scope", string(ScopeLogin)},
		{"state", q.State},
	}
	return base(c.OpenURL, defaultOpenURL) + "/connect/qrconnect?" + encodeParams(params) + "#wechat_redirect"
}
