// Package console is a small web console for the operator of a gateway. It
// shows and changes what the admin endpoint can show and change, and `wechat
// console` serves it on a loopback address.
//
// [New] makes a [Console], an [http.Handler]. A browser enters with the one-time
// address that [Console.Address] returns, and gets a cookie for a few hours. All
// pages lie under a random path: cookies are sent to all ports of a host, and a
// cookie of this path is sent to no other program there (attack: another
// program on a loopback port reads the operator's cookie).
//
// The pages come from html/template and pages/*.html, in Chinese and English,
// with one stylesheet and no script. The console keeps nothing of what the
// admin endpoint answers: a page is written, and then forgotten.
//
// It knows the admin endpoint only as [Admin], and the doctor as a function. It
// imports internal/advice, internal/doctor for reports, internal/history,
// internal/ledger for the form of ids, internal/page for the language of a
// browser, internal/signin for the words of outcomes, and not Caddy.
package console
