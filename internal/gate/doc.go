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
//
// # Browsers outside WeChat
//
// Where the site has a website's account the dance is WeChat's QR page; the flow
// carries the account's name. Where it has none a phone confirms a code of ours:
// [Scans] keeps what it said, and until it did nothing is kept.
//
// # Ends
//
// A session ends by a logout, a revocation, an erasure or its age, here or on
// another instance. New requests see it at once; those that run are asked about
// again by [Live] and cut. A logout is told to the business systems by the
// ledger's outbox, as are sign-ins (in the step that records them) and declines;
// what cannot be told is answered 503, and a sealed receipt in the browser
// completes it later. Virtual visitors of a snapshot are told of to nobody.
//
// # Behind the visitors' backs
//
// [Upkeep] fetches old profiles anew with the refresh token of a consent, which
// the ledger keeps sealed. [WriteAudit] writes the audit log's lines, for other
// rooms too.
//
// # Doors
//
// A site may admit visitors of other accounts, [Gate.Doors]: mini programs and
// mobile apps, whose clients keep no cookies. They send the code that WeChat gave
// them to an endpoint and hold a token, in Authorization: Bearer and nowhere else.
// It stands for a session as a cookie does, of the same stores, with the same end.
//
//   - A token never reaches the upstream, and a request with one, good or bad, is
//     never redirected nor shown a page.
//   - Tokens are renewed on the answer of GET session, not on the upstream's.
//     Clients ask it when they start.
//   - The sessions of doors pass every scope rule: there is nothing more to ask.
//
// A mini program's web-view has cookies and no token. It is signed in by a ticket
// in the address, in two hops; see handover.go. Only navigations redeem one, and
// they never reach the upstream with it. In other requests the parameter stays.
package gate
