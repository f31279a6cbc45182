// Package notice tells the business systems of what visitors do, through the ledger's
// outbox, and within limits: visitors cause events at will ([Teller], [Limits]). An event
// is named by what it tells of, so that telling it again tells it once ([EventID]).
//
// It imports session and internal/ledger for what is told, internal/limit and
// internal/outage. It knows no request and does not deliver; internal/webhook does.
package notice
