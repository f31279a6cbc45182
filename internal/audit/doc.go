// Package audit writes the audit log: who signed in, declined, was revoked, was erased
// ([Record], [Write]). Nothing in a line names a person to anybody but the operator.
//
// It imports session for the short form of its ids, and internal/request for the kind
// of a client.
package audit
