package wechattest

import (
	"cmp"
	"time"
)

// Kind is what sort of app id an account is. What one kind gives out is good for
// nothing at another (WeChat: "不支持微信开放平台的 Appid", 10016).
type Kind string

// The kinds. The zero value is an official account.
const (
	OfficialAccount Kind = ""
	MiniProgram     Kind = "mini_program"
	MobileApp       Kind = "mobile_app"
	Website         Kind = "website"
)

func (k Kind) known() bool {
	return k == OfficialAccount || k == MiniProgram || k == MobileApp || k == Website
}

// word is what the simulator calls a kind where it is written and read.
func (k Kind) word() string { return cmp.Or(string(k), "official_account") }

// openPlatform tells whether an app was registered at the Open Platform.
func (k Kind) openPlatform() bool { return k == MobileApp || k == Website }

// codeLife is how long a code can be exchanged (WeChat: web authorisation guide,
// 5 minutes; website applications, FAQ 1, 10 minutes; code2Session, 5 minutes).
func (k Kind) codeLife() time.Duration {
	if k.openPlatform() {
		return 10 * time.Minute
	}
	return 5 * time.Minute
}

// scopes are what a page, or the app, can ask the visitor for.
func (k Kind) scopes() []string {
	return map[Kind][]string{
		OfficialAccount: {scopeBase, scopeUserInfo},
		MobileApp:       {scopeUserInfo},
		Website:         {scopeLogin},
	}[k]
}

// surface is where a code is good.
type surface int

const (
	onWeb   surface = iota // /sns/oauth2/access_token
	onLogin                // /sns/jscode2session
	onPhone                // /wxa/business/getuserphonenumber
)

func surfaceOf(scope string) surface {
	switch scope {
	case scopeMiniProgram:
		return onLogin
	case scopePhone:
		return onPhone
	default:
		return onWeb
	}
}

// expired is what an old code is answered. Mini programs know one word for all
// that is wrong with a code (WeChat: code2Session).
func (s surface) expired() int {
	if s == onWeb {
		return 42003
	}
	return 40029
}

// revoked is the RevokeInfo of who takes back nickname and avatar, or all.
func (k Kind) revoked() string {
	switch {
	case k.openPlatform():
		return "301"
	case k == MiniProgram:
		return "6"
	default:
		return "205"
	}
}
