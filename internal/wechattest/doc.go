// Package wechattest simulates WeChat: one http.Handler that answers for both
// of its hosts, open.weixin.qq.com (the authorize page and the QR page) and
// api.weixin.qq.com (/sns/…, /cgi-bin/…, /wxa/…), with the rules and the faults
// of the real ones. Accounts are of every [Kind].
//
// The phone is simulated by the control page, by methods of [Server] such as
// [Server.MiniProgramCode], and by scripts that POST JSON to /_sim/wx/login,
// …/profile, …/phone, …/mobile or …/text, {"person":"…","app_id":"…"}.
//
// It pushes messages and events to the address in [PushSettings], with three
// attempts five seconds apart, and only to a loopback address. [Server.Pushes]
// returns the results.
//
// It is for tests and for development. Any client that reaches it can sign in
// as any person, so it must listen only on a loopback address; [Serve] refuses
// others.
//
// It is as strict as WeChat about the order of the parameters, the callback
// domain, the alphabet of state, the single use and the five minutes of a code,
// and the account that a code belongs to. Faults that were seen in production
// can be switched on in [Quirks]. Paths, parameters, JSON fields and error
// codes are WeChat's, so that any SDK can be run against it.
//
// A server cannot simulate two things. The fragment #wechat_redirect of the
// authorize URL, which WeChat requires, never leaves the browser. And a lost
// cookie (a WebView that drops it, a second browser) is lost in the browser: a
// test drops it from its jar, a developer deletes it by hand.
//
// This package imports only the standard library and an encoder of QR codes. It
// does not import internal/wechat: the two are written independently and check
// each other.
package wechattest
