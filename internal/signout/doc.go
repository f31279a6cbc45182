// Package signout ends sessions: in the store, for the business systems, and
// for the tickets that they have asked for ([Ends]). If a store fails, the rest
// of an end is kept and retried until it is done ([Unfinished]); on this
// gateway the session ends at once.
//
// It imports session and internal/ledger for what it ends, internal/notice,
// internal/audit and internal/outage for events and logs, internal/limit for a
// log line, internal/cookies for the lifetime of a ticket, and
// internal/counters. It knows no request.
package signout
