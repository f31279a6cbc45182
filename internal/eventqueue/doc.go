// Package eventqueue stands between visitors' requests and handlers of events,
// which may be slow or hang ([Queue]). A request leaves its event and goes on;
// one goroutine hands the events to the handlers. The queue is bounded: a flood
// of events is dropped, counted and logged.
//
// It imports internal/audit for the names of events, and internal/limit. It
// knows no handler.
package eventqueue
