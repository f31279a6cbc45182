// Package fleetredis holds what the gateways of a fleet share in one Redis,
// beside sessions and persons: the results of sign-ins, and the tokens of the
// accounts.
//
// # How a sign-in ended
//
// WeChat may open the callback address of one sign-in twice, and the two
// requests may reach two gateways. A code can be spent only once. [Shared] lets
// one gateway claim the sign-in, spend the code and leave the result; the
// others wait for the result. It implements signin.Shared. The answer of a
// phone to a desktop's QR code is shared in the same way, under its own prefix.
//
// # The tokens of the accounts
//
// WeChat gives an account one access token at a time: a gateway that fetches a
// token for itself invalidates the token of the others. [Tokens] keeps one
// token for all gateways, and a lock for the gateway that fetches the next one.
// It implements wechat.TokenStore.
//
// # The list of gateways
//
// Each gateway writes its version and fingerprints of its session keys once a
// minute ([Gateways]), so that `wechat doctor` sees a fleet whose gateways
// differ.
//
// # The keys
//
// Each begins with the prefix:
//
//	c:<sign-in>  claimed by the gateway that spends the code
//	d:<sign-in>  its result, sealed by the caller
//	t:<token>    a token, sealed with the session keys
//	l:<token>    locked by the gateway that fetches it
//	gateways     the list of gateways, one field each
//
// Each key has a TTL. A claim or lock without a TTL, or with a longer one than
// gateways ask for, was not written by a gateway and is taken over (take.go).
//
// # What it may import
//
// The standard library, go-redis, and packages session (keys and clocks) and
// wechat (what a TokenStore keeps). No Caddy, no other room of this module.
package fleetredis
