// Package clients answers clients without cookies: mini programs and mobile apps. They
// send the code that WeChat gave them to an endpoint and hold a token, in Authorization:
// Bearer and nowhere else. It stands for a session as a cookie does, of the same stores,
// with the same end.
//
//   - A token never reaches the upstream, and a request with one, good or bad, is
//     never redirected nor shown a page.
//   - Tokens are renewed on the answer of GET session, not on the upstream's.
//     Clients ask it when they start.
//   - Their sessions pass every scope rule: there is nothing more to ask.
//
// A mini program's web-view has cookies and no token. It is signed in by a ticket in the
// address, in two hops; see handover.go. Only navigations redeem one, and they never
// reach the upstream with it. In other requests the parameter stays.
//
// It imports internal/site and the rooms beneath it.
package clients
