package wechat

import (
	"strconv"
	"strings"
	"time"
)

// maxExpiresIn bounds the lifetime of a token. WeChat documents 7200 seconds; a
// large number must not overflow a time.Duration.
const maxExpiresIn = 30 * 24 * time.Hour

// Token is WeChat's answer to a code (wechat-protocol A4.1).
type Token struct {
	AccessToken, RefreshToken Secret
	// ExpiresIn is the lifetime of AccessToken, 0 to 30 days; 0 if the answer
	// has none.
	ExpiresIn time.Duration
	// OpenID is always present: 1 to 64 of A-Z a-z 0-9 _ and -.
	OpenID string
	// UnionID has the same form, or is "". WeChat gives it with ScopeUserInfo
	// only, to accounts bound to an Open Platform account.
	UnionID string
	// Scope is what the visitor granted, "" if WeChat's value is not valid.
	Scope Scope
	// Snapshot marks the virtual visitor of a 快照页 (snapshot page,
	// wechat-protocol A6): all its identities are invented and must never be
	// mixed with real ones.
	Snapshot bool
}

// parseToken reads a successful token answer. A missing or malformed openid, or
// a malformed unionid, is an error.
func parseToken(r reply) (Token, error) {
	openID, unionID, err := r.identity()
	if err != nil {
		return Token{}, err
	}
	access, _ := r.text("access_token")
	refresh, _ := r.text("refresh_token")
	scope, _ := r.text("scope")
	return Token{
		AccessToken:  NewSecret(access),
		RefreshToken: NewSecret(refresh),
		ExpiresIn:    parseExpiresIn(r),
		OpenID:       openID,
		UnionID:      unionID,
		Scope:        parseScope(scope),
		Snapshot:     r.flag("is_snapshotuser"),
	}, nil
}

// parseExpiresIn reads expires_in, in seconds, a number or a string. Anything
// else gives 0: the code is already spent, and the sign-in must not fail
// because of it.
func parseExpiresIn(r reply) time.Duration {
	text, _ := r.text("expires_in")
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int64(maxExpiresIn/time.Second))) * time.Second
}
