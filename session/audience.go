package session

import "fmt"

// Audience is the kind of client that holds a session's value. A value made for
// one audience does not load for another: a token copied out of an app does not
// work as a cookie, nor a cookie copied out of a browser as a token.
type Audience uint8

// The audiences.
const (
	// AnyAudience is the audience of sessions made before audiences were
	// recorded. They load for every audience until they are renewed.
	AnyAudience Audience = iota
	// Cookie is a browser, which keeps the value in a cookie.
	Cookie
	// Token is a mini program or an app, which sends the value as a bearer
	// token.
	Token
)

// String names the audience for logs.
func (a Audience) String() string {
	switch a {
	case AnyAudience:
		return "any"
	case Cookie:
		return "cookie"
	case Token:
		return "token"
	default:
		return fmt.Sprintf("audience %d", uint8(a))
	}
}

// admits reports whether a session made for this audience may load for another
// (attack: a stolen token used as a cookie, and the other way round).
func (a Audience) admits(asked Audience) bool { return a == AnyAudience || a == asked }
