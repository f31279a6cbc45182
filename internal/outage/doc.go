// Package outage writes into the log what does not answer: WeChat, the session store,
// the ledger ([Outages]). An outage has a line when it begins, one a minute while it
// lasts, and one when it ends, however many requests fail. [Of] reads from an error what
// is down; [Log] is how the rooms above write of a sign-in that failed.
//
// It imports session, internal/ledger and internal/wechat for their errors alone, and
// internal/limit.
package outage
