// Package wechattest is WeChat, simulated: one http.Handler that answers for
// both of its hosts, open.weixin.qq.com (the authorize page and the QR page) and
// api.weixin.qq.com (/sns/…, /cgi-bin/…, /wxa/…), with the rules and the faults
// of the real ones. Accounts are of every [Kind].
//
// What happens on a phone is played by the control page, by methods of [Server]
// such as [Server.MiniProgramCode], and by scripts: POST JSON to /_sim/wx/login,
// …/profile, …/phone, …/mobile or …/text, {"person":"…","app_id":"…"}.
//
// It pushes messages and events to the address in [PushSettings], three attempts
// five seconds apart, and only ever to a loopback address. [Server.Pushes] says
// how that went.
//
// It is for tests and for development. Everybody who reaches it can sign in as
// anybody, so it belongs on a loopback address only; [Serve] refuses others.
//
// What is strict in WeChat is strict here: the order of the parameters, the
// callback domain, the alphabet of state, the single use and the five minutes
// of a code, the account that a code belongs to. What goes wrong in the field
// is a knob in [Quirks]. Paths, parameters, JSON fields and error codes are
// WeChat's, so that anybody's SDK can be run against it.
//
// Two things cannot be simulated by a server. The fragment #wechat_redirect of
// the authorize URL, which WeChat demands, never leaves the browser. And a
// cookie that is lost on the way (a WebView that drops it, a second browser)
// is lost by the browser: a test drops it from its jar, a developer deletes it
// by hand.
//
// The room imports the standard library and an encoder of QR codes only, and in
// particular not internal/wechat: the two are written independently and check each other.
package wechattest
