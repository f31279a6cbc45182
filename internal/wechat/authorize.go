package wechat

// Authorize is a browser's request to WeChat's authorisation page
// (wechat-protocol A1).
type Authorize struct {
	AppID string
	// RedirectURI is the absolute address WeChat sends the browser back to, not
	// encoded. Its host must be one of the account's callback domains. It must
	// carry no fragment.
	RedirectURI string
	// Scope is ScopeBase when empty, so that no visitor is asked for consent by
	// accident.
	Scope Scope
	// State comes back unchanged: 1 to 128 of a-z A-Z 0-9. WeChat refuses an
	// empty one on its own page.
	State string
}

// AuthorizeURL returns the address to send the browser to. WeChat matches it
// with a regular expression: the parameters must have the documented order, and
// the fragment is mandatory. connect_redirect=1, which is not documented, keeps
// WeChat from calling back twice (wechat-protocol A1.1, A1.3).
func (c *Client) AuthorizeURL(a Authorize) string {
	scope := a.Scope
	if scope == "" {
		scope = ScopeBase
	}
	params := []param{
		{"appid", a.AppID},
		{"redirect_uri", a.RedirectURI},
		{"response_type", "code"},
		{"scope", string(scope)},
		{"state", a.State},
		{"connect_redirect", "1"},
	}
	return base(c.OpenURL, defaultOpenURL) + "/connect/oauth2/authorize?" + encodeParams(params) + "#wechat_redirect"
}

// CodeDenied replaces the code if the visitor has refused (old clients;
// wechat-protocol A3).
const CodeDenied = "authdeny"
