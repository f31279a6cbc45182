package wechat

// AccountKind is a kind of WeChat account. Its text is the word that begins the
// account's block in a Caddyfile.
type AccountKind string

// The kinds. The zero value is not a kind.
const (
	OfficialAccount AccountKind = "official_account" // 公众号, 服务号: visitors of a site inside WeChat
	MiniProgram     AccountKind = "mini_program"     // 小程序: its client signs in with wx.login
	MobileApp       AccountKind = "mobile_app"       // 移动应用: an app on a phone signs in with SendAuth
	Website         AccountKind = "website"          // 网站应用: QR sign-in on a desktop
)

// accountTraits are the properties of one kind of account.
type accountTraits struct {
	kind                AccountKind
	sessionScope        string
	satisfiesEveryScope bool
	clientsHoldTokens   bool
	globalToken         bool
	revokeCodes         map[string]Revocation
	endpoints           []string // names of the calls that are made for it
}

// accountKinds is the one list of kinds.
var accountKinds = [...]accountTraits{
	{
		kind:         OfficialAccount,
		sessionScope: string(ScopeBase),
		globalToken:  true,
		revokeCodes:  officialRevokeCodes,
		endpoints:    []string{exchange.op, userInfo.op, refresh.op, stableToken.op, jsTicket.op, followerInfo.op, followCode.op},
	},
	{
		kind:                MiniProgram,
		sessionScope:        "mini_program",
		satisfiesEveryScope: true,
		clientsHoldTokens:   true,
		globalToken:         true,
		revokeCodes:         miniProgramRevokeCodes,
		endpoints:           []string{miniLogin.op, phoneNumber.op, stableToken.op},
	},
	{
		kind:                MobileApp,
		sessionScope:        "mobile_app",
		satisfiesEveryScope: true,
		clientsHoldTokens:   true,
		revokeCodes:         openPlatformRevokeCodes,
		endpoints:           []string{exchange.op, userInfo.op, refresh.op},
	},
	{
		kind:                Website,
		sessionScope:        string(ScopeLogin),
		satisfiesEveryScope: true,
		revokeCodes:         openPlatformRevokeCodes,
		endpoints:           []string{exchange.op, userInfo.op, refresh.op},
	},
}

// AccountKinds returns all kinds, the official account first.
func AccountKinds() []AccountKind {
	kinds := make([]AccountKind, len(accountKinds))
	for i := range accountKinds {
		kinds[i] = accountKinds[i].kind
	}
	return kinds
}

// SessionScope is the scope of sessions that begin at an account of this kind,
// as upstreams and events see it. After consent, an official account's sessions
// have a wider scope. An unknown kind has none.
func (k AccountKind) SessionScope() string { return k.traits().sessionScope }

// SatisfiesEveryScope reports whether a visitor who signed in at an account of
// this kind satisfies every scope: mini programs have no scopes, and for apps
// and websites WeChat has already asked for everything.
func (k AccountKind) SatisfiesEveryScope() bool { return k.traits().satisfiesEveryScope }

// ClientsHoldTokens reports whether clients of this kind get tokens instead of
// cookies.
func (k AccountKind) ClientsHoldTokens() bool { return k.traits().clientsHoldTokens }

// HasGlobalToken reports whether an account of this kind has a global access
// token (接口调用凭证, wechat-protocol E2), see [GlobalToken].
func (k AccountKind) HasGlobalToken() bool { return k.traits().globalToken }

// traits returns the entry of k in the list, or the zero value for an unknown
// kind.
func (k AccountKind) traits() *accountTraits {
	for i := range accountKinds {
		if accountKinds[i].kind == k {
			return &accountKinds[i]
		}
	}
	return new(accountTraits)
}
