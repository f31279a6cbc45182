// Package scan holds what a browser outside WeChat shows and a phone answers: the
// question in a QR code ([Code]), the proof that the phone has signed in for it
// ([Proof]), the answer, kept for minutes and on all instances ([Board]), and how much of
// it strangers may ask for ([Limits], [Streams]). It writes no page: internal/gate does.
//
// It imports session for keys and ids, internal/signin for [signin.Shared],
// internal/cookies for what ties a code to its browser, internal/request for who asks,
// internal/wechat for scopes, and internal/limit.
package scan
