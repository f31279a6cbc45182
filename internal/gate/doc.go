// Package gate decides what happens to one request and leads browsers through
// WeChat's web authorisation ("the dance"). It is plain net/http, imports
// internal/site, internal/clients and the rooms beneath them, and never Caddy.
//
// # One request
//
// The Caddy handler scrubs the visitor's own identity headers, then calls
// [Gate.Serve]. Paths under /_wechat/ are answered by [Gate.ServeEndpoint]. For
// every other path the session is read, [Decide] picks a verdict from a pure
// table, and the gate either lets the request pass with an identity, or answers
// it itself: a redirect to WeChat, a page, or a JSON 401.
//
// # The dance
//
// One dance is one flow.Flow, sealed into the callback address. These are
// checked before a code is spent: the sealed flow, the state (an HMAC of the
// flow's id), the binding cookie, whose path is the flow's callback path, and
// the browser's secret, which no other host can set. internal/signin spends it.
//
// # Browsers outside WeChat
//
// If the site has a website account, the dance leads to WeChat's QR page, and
// the flow carries the account's name. Otherwise a phone confirms our own QR
// code; see internal/scan.
//
// # Fragments
//
// Browsers send no fragment. With keep_fragment, a small page in front of the
// sign-in takes it along to the login endpoint; see fragment.go.
//
// # Forms
//
// A form that is posted without a session waits in the browser's tab, and is
// sent after the sign-in: keepform.go answers it, resend.go is the page that
// sends it.
//
// # What the app says
//
// [Gate.Require] and [Gate.LogoutAsked] handle the response headers by which
// the app asks for a sign-in or a logout.
package gate
