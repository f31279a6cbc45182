// Package session is about one signed-in browser or client: what a [Session]
// holds, how it travels, and how it ends.
//
// # The parts
//
//   - [Session], [ID], [Binding] and [Policy]: who is signed in, on which site
//     with which account, and for how long.
//   - [Store]: where sessions live. [Sealed] keeps them in the cookie itself,
//     encrypted and authenticated; [Redis] keeps them where several gateways
//     share them; [CachedStore] remembers what another store said, and goes on with that
//     while the store is unavailable. All pass the same contract suite (package
//     sessiontest).
//   - [Ring]: the secret keys. The first key seals, all keys open, so that keys
//     can be changed without logging anybody out. [NewRing] takes configured
//     keys; a [KeyManager] generates, stores, shares and rotates them.
//   - [SessionCookie]: the cookie in requests and answers, and its removal before a
//     request reaches the upstream.
//
// # Absent is not unavailable
//
// Every way in which a value is not a session wraps [ErrNone]: the visitor signs
// in again. Everything that says nothing about the visitor (a store that cannot
// be reached, keys that cannot be read) wraps [ErrUnavailable] instead: the
// caller answers 503 and leaves the cookie alone. The two are never mixed up,
// because a store that blinks must not send every visitor to sign in at once.
//
// # Layering
//
// This package imports the standard library, gorilla/securecookie and go-redis,
// and of this module internal/heartbeat, which imports no more than that. Not
// Caddy, not CertMagic, no other room.
package session
