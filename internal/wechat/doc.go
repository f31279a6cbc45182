// Package wechat implements WeChat's protocol: the addresses of web
// authorisation and of a website's QR sign-in, the calls that follow, the calls
// and encrypted data of mini programs, the global token of an account and the
// calls that need it (followers, phone numbers, JS-SDK), message pushes, and
// the meaning of every error code. [AccountKind] is the one list of account
// kinds.
//
// It does not decide what a gateway does with WeChat's answers: it has no
// sessions, cookies or pages, and does not import Caddy. It imports the
// standard library, and internal/advice for what an error code asks of the
// operator.
//
// The facts about WeChat that the code relies on are in
// docs/wechat-protocol.md. Comments cite them by their codes, such as
// (wechat-protocol E2).
//
// Three promises hold for everything in this package:
//
//   - A code is never spent twice. The exchange runs on connections of its own,
//     each used for one request, so that net/http cannot replay it.
//   - Every answer of WeChat is bounded and checked before it is returned: an
//     OpenID or UnionID that leaves this package is safe in an HTTP header.
//   - No error, in any form it may be printed or encoded, holds a secret, a
//     code or a token.
package wechat
