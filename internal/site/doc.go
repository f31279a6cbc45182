// Package site holds one site ([Site]) for the rooms above: the operator's
// rules, the accounts, and what it shares with the other sites ([Hub]). It
// identifies visitors, and renews and ends their sessions:
//
//   - [Site.Identify] finds the visitor of a [Request]: it reads the session
//     from the cookie or the token, and prepares the [Identity] that the
//     upstream gets. A store that does not answer is an error, never a visitor
//     without a session.
//   - Who may not enter ([Refusal]) is no visitor of a request: Identify leaves
//     Identity empty, and sets Refused.
//   - [Site.Assert] adds the identity in signed form, where the site wants it.
//   - [Site.RenewSession] and [Site.LogOut] renew and end a session. A sign-out
//     that a store cannot save is sealed into a cookie, the pending logout, and
//     completed later.
//   - [Site.Watch] watches a running request: internal/live asks the site
//     whether its session still allows it. After a reload it asks the newest
//     configuration, too ([Succession]).
//   - The answers that all endpoints share: a page or JSON ([Site.Show]), 503
//     ([Site.Unavailable]), the redirect back ([ReturnTo]).
//
// An end of a session is known in several places, and a [Hub] asks each of
// them:
//
//	Store        the session itself, on this gateway or in Redis
//	Ended        sessions that were ended before their time; from memory
//	PersonEnded  when all sessions of a person were ended; from memory
//	Unfinished   sign-outs that a failing store has not saved yet
//	EndUnsaved   ends that are known here and may not be saved
//
// [Hub.CheckEnded] asks those in memory.
//
// It is plain net/http. It does not decide about requests: internal/gate does.
// It imports session, internal/assertion, internal/wechat, internal/ledger,
// internal/page, internal/signin and the small rooms beneath them.
package site
