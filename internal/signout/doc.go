// Package signout ends sessions: in the store, for the business systems, and for the
// tickets that they have asked for ([Ends]). What a failing store has left of an end is
// kept and tried again until it is done ([Unfinished]); on this gateway the session is
// over at once.
//
// It imports session and internal/ledger for what it ends, internal/notice,
// internal/audit and internal/outage to tell of it, internal/limit for a line of the log,
// and internal/cookies for how long a ticket lives. It knows no request.
package signout
