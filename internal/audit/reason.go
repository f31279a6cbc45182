package audit

// The reasons of declines, sign-outs and sign-ins in the audit log and in
// events.
const (
	ReasonPage     = "page"     // by our consent page
	ReasonWeChat   = "wechat"   // at WeChat
	ReasonVisitor  = "visitor"  // by POST logout
	ReasonUpstream = "upstream" // by the app, X-Wechat-Logout
	ReasonTicket   = "ticket"   // a sign-in by a mini program's ticket, not at WeChat
	ReasonScan     = "scan"     // a sign-in confirmed by a phone, not at WeChat
)
