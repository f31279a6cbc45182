// Package fleetredis is what the gateways of a fleet share in one Redis, beside
// sessions and persons: how a sign-in ended, and the tokens of the accounts.
//
// # How a sign-in ended
//
// WeChat may open the callback address of one sign-in twice, and the two requests
// may reach two gateways. A code is spent once. [Shared] lets one gateway claim the
// sign-in, spend the code and leave the result; the others wait for the result.
// It implements signin.Shared. What a phone answers to a desktop's code is shared in
// the same way, under a prefix of its own.
//
// # The tokens of the accounts
//
// WeChat gives an account one access token at a time: a gateway that fetches one
// for itself makes the others' invalid. [Tokens] keeps one for all, and has a lock
// for the gateway that fetches the next. It implements wechat.TokenStore.
//
// # The keys
//
// Each begins with the prefix:
//
//	c:<sign-in>  claimed by the gateway that spends the code
//	d:<sign-in>  its result, sealed by the caller
//	t:<token>    a token, sealed with the session keys
//	l:<token>    locked by the gateway that fetches it
//
// Each has an end. A claim or lock without one, or with one later than gateways ask
// for, is not a gateway's, and is taken over (take.go).
//
// # What it may import
//
// The standard library, go-redis, and packages session (keys and clocks) and wechat
// (what a TokenStore keeps). No Caddy, no other room of this module.
package fleetredis
