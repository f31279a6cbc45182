// Package cookies has every cookie of ours except the session's: those that tie
// a sign-in to its browser ([Secrets], [Flow], [Ticket], [Scan], [Proof]),
// those that count ([Counter], [UnreadableCount]), and the sealed form of an
// incomplete sign-out ([PendingLogout]).
//
// All are in one table, and only there are their names made, so that [Strip]
// and [Ours] miss none.
//
// It imports session, for the session's own cookie and for the keys of counts,
// and internal/request.
package cookies
