// Package notice queues events about visitors for the business systems, in the
// ledger's outbox. It has limits, because visitors can cause any number of
// events ([Teller], [Limits]). An event's id is derived from its cause, so that
// queuing it again has no effect ([EventID]).
//
// It imports session and internal/ledger for the content of events,
// internal/limit and internal/outage. It knows no request and does not deliver;
// internal/webhook does.
package notice
