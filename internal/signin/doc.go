// Package signin turns a code into a session, exactly once, and without HTTP.
//
// A sign-in ([Signer.SignIn]) has these steps:
//
//   - [Once] lets one of the hits with the same code run, and gives all of them
//     its outcome, also those on another instance ([Shared]). Each queue runs a
//     limited number at a time, and the waiting networks take turns.
//   - [Exchanger] asks WeChat whose code it is, in the way of the account's
//     kind.
//   - The ledger finds the person, and the store saves a new session. It first
//     replaces or ends the browser's previous session ([Signer.SaveNew]).
//
// A code is spent when WeChat has answered. If a store then does not answer,
// the observation is remembered for a repeated hit.
//
// Sessions made from other sessions, by a ticket or by a phone, use only
// [Signer.RunOnce] and SaveNew.
//
// Each sign-in is counted by its [Way] and its [Finish] ([Counts]).
//
// It imports session, internal/wechat and internal/ledger, and internal/signout
// for the previous session; internal/notice, internal/audit and internal/outage
// for events and logs; internal/counters.
package signin
