package assertion

import "time"

// Claims is what an assertion says about a visitor, apart from the times. Text
// is UTF-8, not encoded further.
type Claims struct {
	Issuer   string `json:"iss"`           // the site's origin
	Audience string `json:"aud"`           // the app
	Subject  string `json:"sub,omitempty"` // the person; "" for a snapshot guest
	OpenID   string `json:"openid,omitempty"`
	UnionID  string `json:"unionid,omitempty"`
	AppID    string `json:"app_id,omitempty"`
	Account  string `json:"account,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Nickname string `json:"nickname,omitempty"`
	Avatar   string `json:"avatar,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Snapshot bool   `json:"snapshot,omitempty"` // a read-only snapshot guest
}

// payload is what a token says: the claims, and from when to when it is valid.
type payload struct {
	Claims
	IssuedAt int64 `json:"iat"`
	Expires  int64 `json:"exp"`
}

// Rule is how a site has its assertions signed.
type Rule struct {
	// Audience names the app. "" is the site's origin.
	Audience  string
	Lifetime  time.Duration
	Algorithm Algorithm
}

// The bounds of Rule.Lifetime. A token is used again for a minute, so it must
// be valid for longer; it outlives the end of its session, so not much longer.
const (
	DefaultLifetime = 5 * time.Minute
	MinLifetime     = 2 * time.Minute
	MaxLifetime     = time.Hour
)
