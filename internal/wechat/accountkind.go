package wechat

// AccountKind is a kind of WeChat account. Its text is the word that begins the
// account's block in a Caddyfile.
type AccountKind string

// The kinds. The zero value is none of them.
const (
	OfficialAccount AccountKind = "official_account" // 公众号, 服务号: visitors of a site inside WeChat
	MiniProgram     AccountKind = "mini_program"     // 小程序: its client signs in by wx.login
	MobileApp       AccountKind = "mobile_app"       // 移动应用: an app on a phone, by SendAuth
	Website         AccountKind = "website"          // 网站应用: QR sign-in on a desktop
)

// accountTraits is what sets one kind of account apart.
type accountTraits struct {
	kind                AccountKind
	sessionScope        string
	satisfiesEveryScope bool
	clientsHoldTokens   bool
	globalToken         bool
	revokeCodes         map[string]Revocation
}

// accountKinds is the one list of kinds.
var accountKinds = [...]accountTraits{
	{
		kind:         OfficialAccount,
		sessionScope: string(ScopeBase),
		globalToken:  true,
		revokeCodes:  officialRevokeCodes,
	},
	{
		kind:                MiniProgram,
		sessionScope:        "mini_program",
		satisfiesEveryScope: true,
		clientsHoldTokens:   true,
		globalToken:         true,
		revokeCodes:         miniProgramRevokeCodes,
	},
	{
		kind:                MobileApp,
		sessionScope:        "mobile_app",
		satisfiesEveryScope: true,
		clientsHoldTokens:   true,
		revokeCodes:         openPlatformRevokeCodes,
	},
	{
		kind:                Website,
		sessionScope:        string(ScopeLogin),
		satisfiesEveryScope: true,
		revokeCodes:         openPlatformRevokeCodes,
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

// SessionScope is the scope of the sessions that begin at an account of this kind,
// as upstreams and events see it. An official account's sessions have a wider one
// after consent. A kind that is not known has none.
func (k AccountKind) SessionScope() string { return k.traits().sessionScope }

// SatisfiesEveryScope reports whether nothing more can be asked of a visitor who
// signed in at an account of this kind: mini programs know no scope, and apps and
// websites have had WeChat ask for everything.
func (k AccountKind) SatisfiesEveryScope() bool { return k.traits().satisfiesEveryScope }

// ClientsHoldTokens reports whether the clients of this kind are given tokens
// instead of cookies.
func (k AccountKind) ClientsHoldTokens() bool { return k.traits().clientsHoldTokens }

// HasGlobalToken reports whether an account of this kind has an access token of its
// own (WeChat: 接口调用凭证), see [GlobalToken].
func (k AccountKind) HasGlobalToken() bool { return k.traits().globalToken }

// traits returns the entry of k in the list, or the zero value for an unknown kind.
func (k AccountKind) traits() *accountTraits {
	for i := range accountKinds {
		if accountKinds[i].kind == k {
			return &accountKinds[i]
		}
	}
	return new(accountTraits)
}
