// Package cookies holds every cookie of ours beside the session's: what ties a sign-in
// to its browser ([Secrets], [Flow], [Ticket], [Scan], [Proof]), what counts how often
// something has happened to it ([Counter], [ForeignCount]), and a sign-out that is to
// be completed ([Receipt]).
//
// All stand in one table, and nowhere else is a name made: what must know each of
// them, such as [Strip] and [Ours], forgets none.
//
// It imports session, for the session's own cookie and for the keys of counts, and
// internal/request.
package cookies
