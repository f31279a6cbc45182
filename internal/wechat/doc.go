// Package wechat speaks WeChat's protocol for official accounts: the address a
// browser is sent to for web authorisation, the four calls under /sns/ that
// follow, and the meaning of every error code they answer with.
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
