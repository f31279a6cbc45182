package wechattest

import (
	"cmp"
	"time"
)

// Kind is the kind of an account. Codes and tokens of one kind are not valid
// for another ("不支持微信开放平台的 Appid", 10016; wechat-protocol B2).
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

// word is the name of a kind in texts and forms.
func (k Kind) word() string { return cmp.Or(string(k), "official_account") }

// openPlatform reports whether an app is registered at the Open Platform.
func (k Kind) openPlatform() bool { return k == MobileApp || k == Website }

// codeLife is how long a code can be exchanged (wechat-protocol A2.1, B3, C2,
// D1).
func (k Kind) codeLife() time.Duration {
	if k.openPlatform() {
		return 10 * time.Minute
	}
	return 5 * time.Minute
}

// scopes are the scopes that a page or an app can request.
func (k Kind) scopes() []string {
	return map[Kind][]string{
		OfficialAccount: {scopeBase, scopeUserInfo},
		MobileApp:       {scopeUserInfo},
		Website:         {scopeLogin},
	}[k]
}

// surface is the call that accepts a code.
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

// expired is the errcode for an old code. Mini programs have one errcode for
// all errors of a code (wechat-protocol D1).
func (s surface) expired() int {
	if s == onWeb {
		return 42003
	}
	return 40029
}

// revoked is the RevokeInfo for withdrawing nickname and avatar, or everything.
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
