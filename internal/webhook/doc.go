// Package webhook tells business systems what happened to persons: it takes events from the ledger's outbox and posts
// them, as signed JSON, to one address each ([Sender]), until they are accepted.
//
// # What is promised
//
// Nothing is lost: an event lies in the outbox from the step that made it until the receiver answered 2xx, and that was
// noted. At least once: whoever dies between the answer and the note delivers it again, with the same id and body. In
// order for each person: an event is sent when all older ones of the same person are delivered or buried; persons do not
// wait for one another. One sender of the whole fleet at a time for each target: it holds a lease in the outbox, and
// stops before the lease could run out.
//
// # What is sent
//
// Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0): webhook-id, webhook-timestamp (Unix
// seconds of this attempt), webhook-signature: one "v1," and base64 of HMAC-SHA-256 over "id.timestamp.body" for each
// secret, separated by spaces. docs/webhook.schema.json describes the body; docs/revocation.md tells receivers what to
// do with it.
//
// # When it is not accepted
//
// 410 buries the event, at once. Any other failure is tried again after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h and
// then every 4 h, each up to a fifth later, and not before a Retry-After of at most an hour. What fails 3 days after its first
// attempt is buried: it waits among the dead letters until somebody sends it again. While nothing at all is accepted, a
// target gets one request a second.
//
// # Where it connects to
//
// http:// reaches loopback and private addresses only, since what is sent is signed but not secret. The proxy of the
// environment (HTTPS_PROXY, NO_PROXY) is used for https:// alone, and not for hosts that are internal by their name:
// loopback and private addresses, names without a dot, and those under .localhost, .local, .internal, .intranet, .lan,
// .corp, .home, .home.arpa and .private. Redirects are not followed, and certificates are verified.
//
// # What it may import
//
// The standard library, golang.org/x/net/http/httpproxy, internal/ledger for its events, internal/wechat for its Secret.
package webhook
