// Package site is what all rooms above need of one site ([Site]): its operator's rules, its
// accounts, and what it shares with the other sites ([Hub]).
//
//   - Who the visitor of a [Request] is: [Site.Identify] reads the session from the cookie
//     or the token, and prepares the [Identity] that the upstream is told of. A store that
//     does not answer is an error, and never "nobody".
//   - How a session goes on and ends: [Site.RenewSession], [Site.LogOut]. A sign-out that a
//     store does not take is sealed into a cookie, the receipt, and completed later.
//   - Whether what a session has let in may go on ([Site.Watch]): internal/live asks it
//     about requests that run. After a reload the newest configuration is asked, too
//     ([Succession]).
//   - What is answered alike everywhere: a page or JSON ([Site.Show]), 503
//     ([Site.Unavailable]), the way back ([ReturnTo]).
//
// It is plain net/http. It decides nothing about a request: internal/gate does. It imports
// session, internal/wechat, internal/ledger, internal/page, internal/signin and the small
// rooms beneath them.
package site
