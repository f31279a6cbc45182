// Package follow knows who follows an official account, for the sites that let
// only followers in.
//
// # Where an answer comes from
//
// WeChat is asked by the person's openid of the site's official account
// (user/info, wechat-protocol E4). A person without one, who signed in through
// another account, cannot be asked about and does not follow. The newest of
// these counts:
//
//	memory   the last answer here, to the second; lost at a restart
//	ledger   in the record of the account: answers, written when they differ or
//	         are an hour old, and pushes; shared by all gateways, and erased
//	         with the person
//
// An answer in memory belongs to the [ledger.FollowMark] that the ledger had
// when WeChat was asked. A push changes the mark, so that older answers no
// longer count on any gateway, whatever the clocks say.
//
// # How long it counts
//
// A yes counts for [FreshYes], a no for [FreshNo]; then WeChat is asked again.
// A visitor who says to have followed is asked about at once ([Question.Again]),
// within a limit. If WeChat cannot be asked, the last answer holds for
// [HoldsFor]. Without one there is an error, and neither yes nor no.
//
// # What limits the questions
//
// Concurrent questions about one person are one. Networks share a number of
// questions a second and of questions at once ([limit.Share], [limit.Places]),
// so that a flood neither uses up the account's quota nor keeps others waiting.
// After a failure WeChat is left alone for a time; then one question tries.
//
// # What it may import
//
// internal/ledger, internal/limit, internal/outage (the log), internal/wechat
// (errors) and the standard library; no HTTP server and no Caddy.
package follow
