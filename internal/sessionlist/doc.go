// Package sessionlist lists the sessions that this process has seen, for a store
// that keeps sessions in the visitors' cookies and so cannot list them.
//
//   - [List] is the list: bounded, in memory, without openids. When it is full,
//     it forgets the session that was not seen for the longest time.
//   - [Store] is a session.Store that notes what passes through it.
//
// It imports session. It knows no ledger: the caller decides which of the
// listed sessions are over.
package sessionlist
