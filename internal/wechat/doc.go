// Package wechat speaks WeChat's protocol: the addresses a browser is sent to for
// web authorisation and for a website's QR sign-in, the calls that follow, those
// of mini programs and what their clients hand over encrypted, the token of an
// account itself with what it opens (followers, phone numbers, JS-SDK), and the
// meaning of every error code. [AccountKind] is the one list of account kinds.
//
// It knows what WeChat says, not what a gateway does about it: no session, no
// cookie, no page, no Caddy. It imports the standard library only.
//
// Three promises hold for everything in this package:
//
//   - A code is never spent twice. The exchange runs on connections of its own,
//     each used for one request, so that net/http cannot replay it.
//   - What comes from WeChat is bounded and checked before anybody sees it: an
//     OpenID or UnionID that leaves this package is safe in an HTTP header.
//   - No error, in any form it may be printed or encoded, holds a secret, a
//     code or a token.
package wechat
