package audit

// Why somebody declined, signed out or is signed in: for the audit log, and for events.
const (
	ReasonPage     = "page"     // by our consent page
	ReasonWeChat   = "wechat"   // by WeChat's
	ReasonVisitor  = "visitor"  // by POST logout
	ReasonUpstream = "upstream" // by the app, X-Wechat-Logout
	ReasonTicket   = "ticket"   // not a sign-in at WeChat, but by a mini program's ticket
	ReasonScan     = "scan"     // the same, by a phone that confirmed
)
