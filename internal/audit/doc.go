// Package audit writes the audit log: sign-ins, declines, revocations, erasures
// ([Record], [Write]). Only the operator can match a line to a person.
//
// It imports session for the short form of its ids, and internal/request for
// the kind of a client.
package audit
