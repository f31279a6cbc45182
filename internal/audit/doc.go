// Package audit writes the audit log: sign-ins, declines, revocations, erasures
// ([Record], [Log]). Each record is also an event for other programs of the
// operator; [Events] is the table of them. Only the operator can match a line
// or an event to a person.
//
// It imports session for the short form of its ids, and internal/request for
// the kind of a client.
package audit
