// Package clients answers clients without cookies: mini programs and mobile
// apps. They send a code of WeChat to an endpoint, get a token, and send it in
// Authorization: Bearer, nowhere else. Like a cookie the token stands for a
// session in the same stores, which ends in the same ways.
//
//   - A token never reaches the upstream, and a request with one, valid or not,
//     is never redirected and never gets a page.
//   - The answer of GET session renews tokens, the upstream's answer does not.
//     Clients call it when they start.
//   - Their sessions satisfy every scope: there is nothing more to ask for.
//
// A mini program's web-view has cookies and no token. A ticket in the address
// signs it in, in two hops; see ticketlink.go. Only a navigation redeems a
// ticket, and it never reaches the upstream with it. Other requests keep the
// parameter.
//
// It imports internal/site and the rooms beneath it.
package clients
