package wechat

import (
	"slices"
	"strings"
)

// Scope is what a visitor is asked for, or has granted.
type Scope string

// The scopes of web authorisation (wechat-protocol A1, B1).
const (
	ScopeBase     Scope = "snsapi_base"     // silent: only the openid
	ScopeUserInfo Scope = "snsapi_userinfo" // consent: nickname, avatar and, if there is one, the unionid
	ScopeLogin    Scope = "snsapi_login"    // QR sign-in of a website: the same data as ScopeUserInfo
)

// maxScope bounds a scope of WeChat's, in bytes.
const maxScope = 64

// parseScope reads the scope of a token answer. WeChat documents a list
// separated by commas; the widest known scope wins. Anything that is not a
// plain word becomes "", which grants nothing, because the scope is sent in a
// header.
func parseScope(text string) Scope {
	words := strings.Split(text, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	for _, known := range []Scope{ScopeUserInfo, ScopeLogin, ScopeBase} {
		if slices.Contains(words, string(known)) {
			return known
		}
	}
	if len(words) != 1 || len(words[0]) > maxScope || strings.ContainsFunc(words[0], notIDRune) {
		return ""
	}
	return Scope(words[0])
}
