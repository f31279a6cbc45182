// Package outage logs outages of WeChat, the session store and the ledger
// ([Outages]). An outage has one line when it begins, one a minute while it
// lasts, and one when it ends, however many requests fail. [Of] finds in an
// error what is down; the rooms above log failed sign-ins with [Log].
//
// It imports session, internal/ledger and internal/wechat only for their
// errors, internal/audit for the events, and internal/limit.
package outage
