// Package assertion signs what the upstream gets about a visitor: a JWT in the
// header X-Wechat-Assertion, which an app can verify without trusting the
// network between the gateway and itself.
//
//   - [Claims] is what an assertion says. [Rule] is how a site has it signed.
//   - [Signer] keeps the keys, derived from a [session.Ring], and a bounded
//     number of [Statement]s.
//   - [Signer.Statement] prepares the claims of one visitor, and
//     [Statement.Token] returns them signed. A token is used again for a
//     minute, as long as its key still signs.
//   - [Signer.JWKS] lists the public keys of the whole ring (RFC 7517).
//
// Nothing is stored: gateways with the same ring have the same keys. The
// private key of each ring key and algorithm is made of HKDF-SHA256 with a
// label of its own; its key ID is the thumbprint of the public key (RFC 7638).
// Both must never change, because gateways of different versions share rings;
// the test vectors hold them.
//
// Every failure wraps [ErrUnsigned]: the caller answers 503, and sends no
// request on without an assertion.
//
// It imports session and go-jose, and knows nothing of HTTP.
package assertion
