// Package signin turns a code into a session, exactly once, and without HTTP.
//
// One sign-in ([Signer.SignIn]) goes like this:
//
//   - [Once] lets one of the hits that bring the same code in, and gives all of them its
//     outcome, also those that reach another instance ([Shared]). Each door lets so many
//     in at a time, by turns of the networks that wait.
//   - [Exchanger] ask WeChat whom the code names, for each kind of account in its own way.
//   - The ledger says which person that is, and the store keeps a new session. One that
//     the browser had before is replaced, or ended, first ([Signer.KeepNew]).
//
// A code is spent when WeChat has answered. What cannot be kept then, because a store
// does not answer, is remembered for the hit that comes again.
//
// Sessions that are made of other sessions, by a ticket or by a phone, use Once and
// KeepNew alone.
//
// It imports session, internal/wechat and internal/ledger, and internal/signout for the
// session of before; internal/notice, internal/audit and internal/outage to tell of it.
package signin
