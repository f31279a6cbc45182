package signin

import "github.com/caddy-wechat/gateway/internal/wechat"

// Way is how visitors sign in, as metrics and traces name it.
type Way string

// The ways.
const (
	ByBrowser     Way = "browser"      // a browser in WeChat, silently
	ByConsent     Way = "consent"      // a browser in WeChat, with WeChat's question
	ByScan        Way = "scan"         // a QR code of ours, answered by a phone
	ByWebsite     Way = "website"      // WeChat's QR page
	ByMiniProgram Way = "mini_program" // a code of wx.login
	ByMobileApp   Way = "mobile_app"   // a code of an app
	ByTicket      Way = "ticket"       // a mini program's web-view
)

// Ways returns the ways in which an account of this kind signs visitors in.
func Ways(kind wechat.AccountKind) []Way {
	switch kind {
	case wechat.OfficialAccount:
		return []Way{ByBrowser, ByConsent, ByScan}
	case wechat.Website:
		return []Way{ByWebsite}
	case wechat.MiniProgram:
		return []Way{ByMiniProgram, ByTicket}
	case wechat.MobileApp:
		return []Way{ByMobileApp}
	}
	return nil
}

// WayOf returns the way of a sign-in with a code of an account. scope is what
// WeChat was asked for; it is empty for clients without a browser.
func WayOf(a wechat.Account, scope wechat.Scope) Way {
	switch {
	case a.Kind == wechat.OfficialAccount && scope == wechat.ScopeUserInfo:
		return ByConsent
	case a.Kind == wechat.OfficialAccount:
		return ByBrowser
	}
	if ways := Ways(a.Kind); len(ways) > 0 {
		return ways[0]
	}
	return ""
}

// beginsWithCode reports whether the gateway sees only the end of a sign-in:
// the client has its code from WeChat.
func (w Way) beginsWithCode() bool { return w == ByMiniProgram || w == ByMobileApp }
