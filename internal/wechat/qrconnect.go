package wechat

// QRConnect is a browser's request to WeChat's QR page, where visitors of a
// website sign in by scanning (wechat-protocol B1). The account is a website
// application of the Open Platform, not an official account; its code is valid
// for ten minutes.
type QRConnect struct {
	AppID string
	// RedirectURI is as in Authorize. WeChat's fast login puts a fragment in
	// the wrong place.
	RedirectURI string
	// State is as in Authorize.
	State string
}

// QRConnectURL returns the address to send the browser to, with ScopeLogin, the
// only possible scope. The parameters have the documented order.
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
