package session

// The scopes a session can have: how the visitor was signed in. The first three
// are WeChat's own words (wechat-protocol A1, B1); the last two name the kind
// of client.
const (
	ScopeBase        = "snsapi_base"
	ScopeUserInfo    = "snsapi_userinfo"
	ScopeLogin       = "snsapi_login"
	ScopeMiniProgram = "mini_program"
	ScopeMobileApp   = "mobile_app"
)

// scopes gives each scope its code on the wire: the index. Codes are never
// reused; new scopes go to the end. Code 0 means no scope.
var scopes = [...]string{
	1: ScopeBase,
	2: ScopeUserInfo,
	3: ScopeLogin,
	4: ScopeMiniProgram,
	5: ScopeMobileApp,
}

// scopeCode returns the wire code of a scope, or false for an unknown one.
func scopeCode(scope string) (byte, bool) {
	for code := 1; code < len(scopes); code++ {
		if scopes[code] == scope {
			return byte(code), true
		}
	}
	return 0, false
}

// scopeName returns the scope of a wire code, or false for an unknown one.
func scopeName(code byte) (string, bool) {
	if code == 0 || int(code) >= len(scopes) {
		return "", false
	}
	return scopes[code], true
}
