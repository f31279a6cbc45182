// Package gate decides what happens to one request and leads visitors through
// WeChat's web authorisation ("the dance"). It is plain net/http: it knows the
// rooms session, internal/wechat, internal/ledger and internal/page, and it
// never imports Caddy.
//
// # One request
//
// The glue scrubs the visitor's own identity headers, then asks [Gate.Serve].
// Paths under /_wechat/ are answered here. For every other path the session is
// read ([Gate.identify]), [Decide] picks a verdict from a pure table, and the
// gate either lets the request pass with an [Identity], or answers it itself:
// a redirect to WeChat, a page, or a JSON 401.
//
// # The dance
//
// One dance is one [Flow]. It travels sealed inside the callback address, so
// that nothing is kept on the server for visitors who have not signed in:
//
//	/_wechat/callback/<flow id>/<sealed flow>?code=…&state=…
//
// Three things are checked before a code is spent: the sealed flow, the state
// (an HMAC of the flow id) and the binding cookie, whose path is the flow's
// callback path and whose digest is inside the flow.
package gate
