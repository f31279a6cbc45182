// Package scan signs in a browser outside WeChat by a phone. It has the
// question in a QR code ([Code]), the proof that the phone has signed in for
// this code ([Proof]), the phone's answer, stored for minutes on all instances
// ([Board]), and the limits for visitors who are not signed in ([Limits],
// [Streams]). It writes no page: internal/gate does.
//
// It imports session for keys and ids, internal/signin for [signin.Shared],
// internal/cookies to tie a code to its browser, internal/request for the
// client's device and network, internal/wechat for scopes, and internal/limit.
package scan
