// Package webhook delivers events about persons to business systems. Each
// [Sender] takes events from the ledger's outbox and posts them as signed JSON
// to one address until they are accepted.
//
// # What is promised
//
// Nothing is lost: an event stays in the outbox from the step that made it
// until the receiver has answered 2xx and the outbox has recorded that. At
// least once: if a gateway dies between the answer and the record, the event is
// delivered again, with the same id and body. In order for each person: an
// event is sent after all older events of the same person are delivered or
// buried; persons do not wait for one another. One sender in the fleet for each
// target at a time: it holds a lease in the outbox, and stops before the lease
// can run out.
//
// # What is sent
//
// Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0):
// webhook-id, webhook-timestamp (Unix seconds of this attempt),
// webhook-signature: one "v1," and base64 of HMAC-SHA-256 over
// "id.timestamp.body" for each secret, separated by spaces.
// docs/webhook.schema.json describes the body; docs/revocation.md tells
// receivers what to do with it.
//
// # When it is not accepted
//
// 410 buries the event at once. After any other failure the event is sent again
// after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h and then every 4 h, each up
// to a fifth later, and not before a Retry-After of at most an hour. An event
// that still fails 3 days after its first attempt is buried: it stays among the
// dead letters until an operator sends it again. While a target accepts
// nothing, it gets one request a second.
//
// # Where it connects to
//
// http:// reaches only loopback and private addresses, because the body is
// signed but not encrypted. The proxy of the environment (HTTPS_PROXY,
// NO_PROXY) is used only for https://, and not for hosts with internal names:
// loopback and private addresses, names without a dot, and those under
// .localhost, .local, .internal, .intranet, .lan, .corp, .home, .home.arpa and
// .private. Redirects are not followed, and certificates are verified.
//
// # What it may import
//
// The standard library, golang.org/x/net/http/httpproxy, internal/ledger for
// its events, internal/wechat for its Secret, internal/limit for its log lines.
package webhook
