// Package session holds the signed-in state of one browser or client: the
// [Session], how it travels, and how it ends.
//
// # The parts
//
//   - [Session], [ID], [Binding] and [Policy]: which person is signed in, on
//     which site, with which account, and for how long.
//   - [Store]: where sessions live. [Sealed] keeps them in the cookie itself,
//     encrypted and authenticated; [Redis] keeps them where several gateways
//     share them; [CachedStore] remembers the answers of another store, and
//     uses them while that store is unavailable. All pass the same contract
//     suite (package sessiontest).
//   - [Ring]: the secret keys. The first key seals, all keys open, so that keys
//     can change while all sessions stay alive. [NewRing] takes configured
//     keys; a [KeyManager] generates, stores, shares and rotates them.
//   - [SessionCookie]: the cookie in requests and responses, and its removal
//     before a request reaches the upstream.
//
// # Absent is not unavailable
//
// Every reason why a value is not a session wraps [ErrNone]: the visitor signs
// in again. Every failure that says nothing about the visitor (a store that
// cannot be reached, keys that cannot be read) wraps [ErrUnavailable] instead:
// the caller answers 503 and keeps the cookie. The two must not be confused:
// else a short outage of a store would send every visitor to sign in at once.
//
// # Layering
//
// This package imports the standard library, gorilla/securecookie and go-redis,
// and of this module internal/heartbeat, which imports no more than these. It
// does not import Caddy, CertMagic or another room.
package session
